-- What the database itself refuses, it must still be able to refuse: uids twice,
-- a creId, an endToEndId, a bank line, a statement, an answer twice, a payout that
-- comes back twice, a CP below zero, two live runs of one session, créances beside
-- financière.
select name as place, 'missing or not valid' as found, 'a constraint that stands' as expected
from unnest(array [
         'account_code_key', 'bank_line_detail_pkey', 'bank_line_pkey', 'bank_reject_payout', 'bank_report_message_id_key', 'bank_report_sha256_key', 'batch_scope_step_item_key', 'bulk_bulk_id_key', 'bulk_name_key', 'cre_line_pkey', 'debt_one_open', 'debt_pkey', 'entry_pkey',
         'event_block_pkey', 'event_pkey', 'event_uid_unique', 'operator_act_answer_id_key', 'parked_line_pkey', 'payline_file_content', 'payline_file_sequence', 'payline_id_pkey',
         'payout_end_to_end', 'payout_hold_one', 'payout_payline', 'payout_ref_externe_key', 'payout_refusal_pkey',
         'settlement_file_sha256_key',
         'settlement_reference_key', 'statement_account_sequence_key', 'statement_in_file', 'transfer_order_bulk_key',
         'transfer_order_credit_line_key', 'transfer_order_debit_line_key', 'transfer_order_ref_externe_key', 'vacation_correlation_id_key',
         'vacation_kind_key_run_key', 'vacation_one_alive', 'vacation_one_of_cash',
         'vacation_workflow_run_key']) as name
where not exists (select
                  from pg_index i
                  where i.indexrelid = to_regclass(name) and i.indisunique and i.indisvalid and i.indisready)
union all
select name, 'missing or not valid', 'a constraint that stands'
from unnest(array ['account_code_in_class', 'cp_never_below_zero', 'entry_amount_cents_check']) as name
where not exists (select
                  from pg_constraint c
                  where c.conname = name and c.connamespace = current_schema()::regnamespace and c.convalidated)
order by place
