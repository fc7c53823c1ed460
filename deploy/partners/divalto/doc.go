// Package divalto is a STAND-IN for the ERP Divalto infinity, as its web services show it. It is written from what is said
// of those services alone and knows nothing of the engine. It plays the ERP on a developer's machine and in tests, over real
// sockets, and never reaches one. What it books is kept in a file, and outlives a process that is killed.
//
// # Authentication
//
//	POST {base}/api/v1/Authent/Auth
//	{"user": "…", "password": "…", "domain": "…", "env": "…"}
//
// gives an opaque access_token that expires ([Settings.TokenLifetime]); domain and env are compared when the stand-in has
// some:
//
//	{"error": 0, "access_token": "…", "txterr": "", "infos": ""}
//
// Somebody else gets error 1 and an empty token, with the reason as txterr, or as txterror ([Settings.TxtError]): both are in
// use. Every answer but those of faults has the status 200; a request that is no JSON has 400.
//
// # Posting
//
//	POST {base}/api/v1/WebService/Execute
//	{"action": "WEB_SERVICE_INFINITY", "access_token": "…", "param": "…"}
//
// param is a string that holds JSON, double quoted or single quoted:
//
//	{"action": {"swinfinity": "integration_reglement", "parameters": {"dos": "998", "doscpt": "998", "etb": "1"}},
//	 "data": {"EnteteReglementtb": [{"EnteteReglement": {…, "DetailReglementtb": [{"DetailReglement": {…}}]}}]}}
//
// The fields are those of the dictionary or of the tags (TIERS or THIRDPARTY), in any case, with values that are strings;
// LibEcr is taken for LIB. An unknown field, one that stands twice and a value that is no string are refused. Several headers
// are booked together or not at all. The answer's result is a string of JSON:
//
//	{"error": 0, "result": "{\"label\":\"infinity\",\"codeScript\":\"integration_reglement\",\"result\":{\"common\":
//	 {\"resultcode\":\"0\",\"errormessage\":\"…\"},\"response\":{\"transactionId\":\"1354\"}}}", "txterr": "", "infos": ""}
//
// or as [Settings.Shape] has it. errormessage is never empty. Of several headers transactionId names the last one's, as
// releases before 10.12 do. A posting that breaks a rule has resultcode 1, no response, and is not booked. What is wrong with
// the call itself has an error other than 0, an empty result and the reason as txterr: 10 for a token that is unknown or has
// expired, 2 to 4 for an action, a script and a param that are unknown or unreadable, 5 for what a fault asks for, 9 when the
// books cannot be kept.
//
// A header whose details have TRANSAC is a remise en banque: each names a transaction that was booked and is not deposited
// yet, NOORDRE is 1, and BQC is the bank.
//
// # Looking up
//
// The ERP reads records by a service of its own, RecordSql. The members of its request and of its reply are the documented
// ones; by what path it is reached, how the dictionary, the record and the condition are called and under which name a record
// has its transaction number are ASSUMPTIONS of ours, to be settled with whoever runs the ERP, who also has to allow the
// dictionary to be read. The names stand in [LookUpPath], [Dictionary], [Record], [Condition].
//
//	POST {base}/api/v1/RecordSql/Execute
//	{"dhoq": "RTRSRGLT.DHOQ", "recordsql": "RgltJnlEnt", "access_token": "…", "parameters": "MZ.DOS=998",
//	 "fields": "TRANSAC;LIB;MTDEV;TIERS", "where": "Equal_Lib", "where_parameters": "LIB=…",
//	 "offset": 0, "count": 100, "orderby": "", "having": "", "having_parameters": "", "infos": ""}
//
// parameters names the dossier, which is the user's own ([Settings.Dossiers], the first) when it is empty. fields are
// separated by semicolons, all of them when it is empty or *. where_parameters is one pair: a label with a semicolon cannot be
// looked up. Labels are compared as they are, byte for byte. count is 10000 when it is 0 or left out. orderby and having are
// not served: they stay empty. Records come in the order of their booking, and all their values are strings:
//
//	{"error": 0, "txterr": "", "tablename": "RGLTJNLENT", "nbrecord": 1, "records": [{"record": {"RGLTJNLENT_ID": "1",
//	 "DOS": "998", "TRANSAC": "1354", "LIB": "…", "TIERS": "C0000007", "MTDEV": "5995", "DEV": "EUR", "REGLTTYP": "1",
//	 "ETATFIN": "C30", "TRANSACDT": "20210320"}}], "infos": ""}
//
// nbrecord is the length of records, which is [] when there is none. MTDEV is in euros with a dot, without decimals when they
// are zero (5995, 12.30). An error has no record: 10 for the token, 6 for a dictionary, a record or a condition that is
// unknown, 7 for parameters that cannot be read, 5 for what a fault asks for.
//
// # The stand-in itself
//
// GET /stand-in/books lists the bookings in the order of their booking, GET /stand-in/overlaps how often two postings of one
// dossier were at work at the same time, which the ERP forbids. PUT /stand-in/faults says what goes wrong from then on: see
// [Fault].
package divalto

// What the look-up of settlements is called here; see the package's comment for what of it is assumed.
const (
	// LookUpPath is where records are read, below the base.
	LookUpPath = "/api/v1/RecordSql/Execute"
	// Dictionary and Record name the headers of settlements, Condition the one by which their label is compared.
	Dictionary = "RTRSRGLT.DHOQ"
	Record     = "RgltJnlEnt"
	Condition  = "Equal_Lib"
)
