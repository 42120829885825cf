<?php
// Connects and prepares, says so, and goes on when it is told to. Arguments: port or Unix socket.
mysqli_report(MYSQLI_REPORT_OFF);
$where = $argv[1];
$socket = $where[0] == "/";
$c = new mysqli($socket ? "localhost" : "127.0.0.1", "root", "", "shop", $socket ? 0 : (int) $where, $socket ? $where : "");
$before = $c->prepare("SELECT seq FROM seq_1_to_9 WHERE seq > ?");
echo "ready\n";
fgets(STDIN);
$least = 4;
$before->bind_param("i", $least);
$before->execute();
$before->get_result();
$c->query("SELECT seq FROM seq_1_to_3");
$c->query("SELECT * FROM nothing");
$after = $c->prepare("SELECT seq FROM seq_1_to_7 WHERE seq > ?");
$after->bind_param("i", $least);
$after->execute();
$after->get_result();
$c->query("USE mysql");
$c->query("DO 1");
