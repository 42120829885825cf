<?php
// Statements by mysqlnd: prepared ones in the binary protocol, cursors, procedures. Prints one JSON object for each
// execution: what the driver was told. Arguments: port or Unix socket.
mysqli_report(MYSQLI_REPORT_OFF);
$where = $argv[1];
$socket = $where[0] == "/";
$c = new mysqli($socket ? "localhost" : "127.0.0.1", "root", "", "shop", $socket ? 0 : (int) $where, $socket ? $where : "");

function told($sql, $rows, $affected, $error)
{
    $say = fn($n, $is) => $is ? $n : null;
    echo json_encode(["sql" => $sql, "rows" => $rows, "affected" => $error ? null : $affected, "error" => $say($error, $error != 0)]), "\n";
}

function query($sql)
{
    global $c;
    $done = $c->query($sql);
    told($sql, null, $c->affected_rows, $done ? 0 : $c->errno);
}

function execute($s, $sql)
{
    $s->execute();
    $result = $s->get_result();
    told($sql, $result ? $result->num_rows : null, $result ? null : $s->affected_rows, $s->errno);
}

query("CREATE TABLE php (id INT PRIMARY KEY, name TEXT)");
$sql = "INSERT INTO php VALUES (?, ?)";
$s = $c->prepare($sql);
foreach ([1, 2, 3, 3] as $id) {
    $name = "name $id";
    $s->bind_param("is", $id, $name);
    execute($s, $sql);
}
$s->close();
$sql = "SELECT * FROM php WHERE id >= ?";
$s = $c->prepare($sql);
foreach ([2, 1, 9] as $id) {
    $s->bind_param("i", $id);
    execute($s, $sql);
}
$s->close();
$c->prepare("SELECT nothing FROM php");
$sql = "SELECT id FROM php";
$s = $c->prepare($sql);
$s->attr_set(MYSQLI_STMT_ATTR_CURSOR_TYPE, MYSQLI_CURSOR_TYPE_READ_ONLY);
$s->execute();
told($sql, null, null, 0);
$s->bind_result($id);
for ($rows = 0; $s->fetch(); $rows++);
assert($rows == 3);
$s->close();
$sql = "UPDATE php SET name = ?";
$s = $c->prepare($sql);
$long = null;
$s->bind_param("b", $long);
$s->send_long_data(0, str_repeat("x", 1000));
execute($s, $sql);
$s->close();
// Time for the agent to know the connection, and to ask for the ends of large answers.
usleep(200000);
$sql = "SELECT a.seq FROM seq_1_to_60 a JOIN seq_1_to_10 b WHERE a.seq > ?";
$s = $c->prepare($sql);
$least = 0;
$s->bind_param("i", $least);
execute($s, $sql);
// Time for the agent to have more captured.
usleep(500000);
execute($s, $sql);
$s->close();
query("CREATE PROCEDURE p() BEGIN SELECT id FROM php; SELECT 5; UPDATE php SET name = 'p'; END");
$c->multi_query("CALL p()");
for ($rows = 0; true; ) {
    if ($result = $c->store_result()) $rows += $result->num_rows;
    if (!$c->next_result()) break;
}
told("CALL p()", $rows, 3, 0);
$c->stat();
$c->change_user("root", "", "mysql");
query("DO 1");
$c->close();
