// Writes the orders of a file as pain.001.001.03 with the npm package sepa, by its manual. Prints one line of JSON.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import SEPA from 'sepa';

const [source, destination] = process.argv.slice(2);
const began = performance.now();

const lines = readFileSync(source, 'utf8').trimEnd().split('\n');
const [, , id, at, day, name, bic, iban] = lines[0].split('\t');

const file = new SEPA.Document('pain.001.001.03');
file.grpHdr.id = id;
file.grpHdr.created = new Date(at);
file.grpHdr.initiatorName = name;

const block = file.createPaymentInfo();
block.requestedExecutionDate = new Date(`${day}T12:00:00`);
block.batchBooking = true;
block.debtorName = name;
block.debtorBIC = bic;
block.debtorIBAN = iban;
file.addPaymentInfo(block);

for (const line of lines.slice(1)) {
  const order = block.createTransaction();
  let cents;
  [order.end2endId, cents, order.creditorName, order.creditorBIC, order.creditorIBAN, order.remittanceInfo] = line.split('\t');
  order.amount = Number(cents) / 100;
  block.addTransaction(order);
}
writeFileSync(destination, file.toString());

const seconds = (performance.now() - began) / 1000;
const peak = 1024 * /VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1];
console.log(JSON.stringify({ seconds, peak_bytes: peak, file_bytes: statSync(destination).size, records: lines.length - 1 }));
