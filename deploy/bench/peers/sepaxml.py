"""Writes the orders of a file as pain.001.001.03 with the package sepaxml, by its manual. Prints one line of JSON.

It was written from the manual, and has not run yet: PyPI could not be reached.
"""

import datetime
import json
import os
import re
import sys
import time

from sepaxml import SepaTransfer

source, destination = sys.argv[1:]
began = time.perf_counter()

with open(source, encoding="utf-8") as orders:
    _, _, identifier, _, day, name, bic, iban = next(orders).rstrip("\n").split("\t")
    file = SepaTransfer({"name": name, "IBAN": iban, "BIC": bic, "batch": True, "currency": "EUR"}, clean=True)
    file.msg_id = identifier
    due, count = datetime.date.fromisoformat(day), 0
    for line in orders:
        reference, cents, name, bic, iban, text = line.rstrip("\n").split("\t")
        file.add_payment({
            "name": name, "IBAN": iban, "BIC": bic, "amount": int(cents), "execution_date": due,
            "description": text, "endtoend_id": reference,
        })
        count += 1
with open(destination, "wb") as out:
    out.write(file.export(validate=False))

seconds = time.perf_counter() - began
with open("/proc/self/status", encoding="ascii") as status:
    peak = 1024 * int(re.search(r"VmHWM:\s*(\d+)", status.read())[1])
print(json.dumps({"seconds": seconds, "peak_bytes": peak, "file_bytes": os.path.getsize(destination), "records": count}))
