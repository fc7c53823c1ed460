<?php
// Writes the orders of a file as pain.001.001.03 with the package digitick/sepa-xml (php-sepa-xml), by its manual. Prints
// one line of JSON.
//
// It was written from the manual, and has not run yet: there was no PHP.
declare(strict_types=1);

require __DIR__ . '/vendor/autoload.php';

use Digitick\Sepa\TransferFile\Factory\TransferFileFacadeFactory;

[, $source, $destination] = $argv;
$began = hrtime(true);

$lines = file($source, FILE_IGNORE_NEW_LINES);
[, , $id, , $day, $name, $bic, $iban] = explode("\t", array_shift($lines));
$file = TransferFileFacadeFactory::createCustomerCredit($id, $name, 'pain.001.001.03');
$file->addPaymentInfo('block', [
    'id' => $id, 'debtorName' => $name, 'debtorAccountIBAN' => $iban, 'debtorAgentBIC' => $bic, 'dueDate' => $day,
    'batchBooking' => true,
]);
foreach ($lines as $line) {
    [$reference, $cents, $creditor, $agent, $account, $text] = explode("\t", $line);
    $file->addTransfer('block', [
        'amount' => (int) $cents, 'creditorIban' => $account, 'creditorBic' => $agent, 'creditorName' => $creditor,
        'remittanceInformation' => $text, 'endToEndId' => $reference,
    ]);
}
file_put_contents($destination, $file->asXML());

$seconds = (hrtime(true) - $began) / 1e9;
preg_match('/VmHWM:\s*(\d+)/', file_get_contents('/proc/self/status'), $found);
echo json_encode([
    'seconds' => $seconds, 'peak_bytes' => 1024 * (int) $found[1], 'file_bytes' => filesize($destination), 'records' => count($lines),
]), "\n";
