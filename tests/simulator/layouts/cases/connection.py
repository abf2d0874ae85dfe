"""The connection itself."""

from layouts.case import VERSIONS, Case

CASES = [
    *(
        Case(
            "connection.handshake", (time,), f"{version}|{time}|", None, versions=(version,),
            note="which the clients' connections read, not their decoders",
        )
        for version in VERSIONS
        for time in ("20261124 10:35:00 Eastern Standard Time",)
    ),
    Case(
        "connection.managed_accounts", (("DU9000001", "DU9000002"),), "15|1|DU9000001,DU9000002|",
        (("managedAccounts", "DU9000001,DU9000002"),),
    ),
    Case("connection.next_valid_id", (47,), "9|1|47|", (("nextValidId", 47),)),
    Case(
        "connection.error", (44, 200, "No security definition has been found for the request"),
        "4|2|44|200|No security definition has been found for the request|@166-:|",
        (("error", 44, 200, "No security definition has been found for the request", ""),),
        dict.fromkeys(
            ("ibapi", "stoqey"), (("error", 44, 200, "No security definition has been found for the request"),)
        ),
    ),
    Case("connection.current_time", (1795534500,), "49|1|1795534500|", (("currentTime", 1795534500),)),
]  # fmt: skip
