"""Dense blocks of (buyer x cell): big sparse rings whose members seldom meet in pairs."""
