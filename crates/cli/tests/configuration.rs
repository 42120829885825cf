//! `weir config` as a person and a script meet it: texts, streams and exit codes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Run {
    code: Option<i32>,
    out: String,
    said: String,
}

fn weir(arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    // Tests may themselves run with variables of this name.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("WEIR_")) {
        command.env_remove(name);
    }
    let output: Output = command.args(arguments).envs(variables.iter().copied()).output().expect("weir runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Run { code: output.status.code(), out: text(output.stdout), said: text(output.stderr) }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, text: &str) -> PathBuf {
        let path = self.0.path().join("weir.yaml");
        std::fs::write(&path, text).expect("a file");
        path
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

#[test]
fn print_tells_where_each_value_came_from() {
    let folder = Folder::new();
    let path =
        folder.file("capture:\n  ring: 4MiB\n  udp: false\nservices:\n  - {name: shop, unit: shop*}\n");
    let variables = [("WEIR_CAPTURE_RING", "2MiB"), ("WEIR_PRIVACY_SHOW_VALUES", "false")];
    let run = weir(&["config", "print", "--config", text(&path), "--backend", "syscalls"], &variables);
    let file = path.display();
    assert_eq!((run.said.as_str(), run.code), ("", Some(0)));
    let expected = [
        "# The settings in force. Behind each stands where it came from.".to_owned(),
        "  state_directory: /var/lib/weir # default".into(),
        "  backend: syscalls # flag --backend".into(),
        "  ring: 2MiB # environment WEIR_CAPTURE_RING".into(),
        format!("  udp: false # {file}:3"),
        "  listen: \"127.0.0.1:7401\" # default".into(),
        "  show_values: false # environment WEIR_PRIVACY_SHOW_VALUES".into(),
        format!("services: # {file}:4\n  - name: shop\n    unit: shop*"),
        "otlp: [] # default".into(),
    ];
    // In this order, among all others.
    let mut rest = run.out.as_str();
    for line in expected {
        let (_, behind) =
            rest.split_once(&format!("{line}\n")).unwrap_or_else(|| panic!("{line}: {}", run.out));
        rest = behind;
    }
    assert_eq!(rest, "");

    // What it prints is a file that says the same.
    let printed = folder.file(&run.out);
    let again = weir(&["config", "print", "--config", text(&printed)], &[]);
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(" # ").next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(values(&again.out), values(&run.out));

    let json = weir(&["config", "print", "--json", "--config", text(&printed), "--no-udp"], &[]);
    assert!(
        json.out.contains(r#"{"flag":"--no-udp","key":"capture.udp","source":"flag","value":false}"#),
        "{}",
        json.out
    );
    assert_eq!(json.out.lines().count(), 1);
}

#[test]
fn check_says_ok_or_all_that_is_wrong() {
    let folder = Folder::new();
    let path = folder.file("capture: {ring: 4MiB}\n");
    let run = weir(&["config", "check", text(&path)], &[("WEIR_CAPTURE_UDP", "false")]);
    let keys = config::KEYS.len();
    let expected = format!("ok: {} sets 1 of {keys} keys; the environment sets 1\n", path.display());
    assert_eq!((run.out, run.said.as_str(), run.code), (expected, "", Some(0)));

    let path = folder.file("capture: {rign: 4MiB, udp: maybe}\n");
    let run = weir(&["config", "check", text(&path)], &[("WEIR_CAPTURE_RING", "1")]);
    let file = path.display();
    let expected = format!(
        "weir: 3 mistakes in the settings:\n{file}:1:11: unknown key `capture.rign`: did you mean `ring`?\n\
         {file}:1:28: capture.udp: 'maybe' is neither true nor false\n\
         WEIR_CAPTURE_RING: it may be a size from 128KiB to 1GiB\n"
    );
    assert_eq!((run.out.as_str(), run.said, run.code), ("", expected, Some(1)));

    let run = weir(&["config", "check", "/nowhere/weir.yaml"], &[]);
    assert_eq!(run.said, "weir: /nowhere/weir.yaml: there is no such file\n");
    assert_eq!(run.code, Some(1));
    let run = weir(&["config", "check", "/"], &[]);
    assert_eq!((run.said.as_str(), run.code), ("weir: /: it is a folder: name the file in it\n", Some(1)));
    let run = weir(&["config", "check"], &[("WEIR_CONFIG", "/nowhere/weir.yaml")]);
    assert_eq!(run.code, Some(1), "{}", run.said);
    let run = weir(&["config", "check", "/dev/null"], &[]);
    assert_eq!(run.out, format!("ok: /dev/null sets 0 of {keys} keys\n"));
}

#[test]
fn options_and_variables_that_are_wrong() {
    let run = weir(&["config", "print", "--ring", "1"], &[]);
    assert_eq!(run.code, Some(2), "{}", run.said);
    assert!(run.said.contains("it may be a size from 128KiB to 1GiB"), "{}", run.said);
    let run = weir(&["config", "print", "--config", "/dev/null"], &[("WEIR_CAPTURE_RNIG", "1")]);
    let caution = "caution: the variable WEIR_CAPTURE_RNIG is not known and has no effect; did you mean WEIR_CAPTURE_RING?\n";
    assert_eq!((run.said.as_str(), run.code), (caution, Some(0)));
}

#[test]
fn keys_are_listed() {
    let run = weir(&["config", "keys"], &[]);
    assert_eq!((run.out, run.said.as_str(), run.code), (config::text(config::KEYS), "", Some(0)));
}

/// Names given by hand reach the requests; a file that is wrong stops every command.
#[test]
fn all_commands_go_by_the_file() {
    let folder = Folder::new();
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../requests/tests/recordings");
    let recording = std::fs::read_dir(recordings)
        .expect("a folder of recordings")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| {
            path.file_name().is_some_and(|name| {
                name.to_string_lossy().contains("redis") && name.to_string_lossy().ends_with(".events")
            })
        })
        .expect("a recording of Redis");
    let path = folder.file("services: [{name: by-hand, command: '*'}]\n");
    let run = weir(&["dev", "replay", text(&recording), "--json", "--config", text(&path)], &[]);
    assert_eq!(run.code, Some(0), "{}", run.said);
    assert!(
        run.out.lines().count() > 0 && run.out.lines().all(|line| line.contains("\"service\":\"by-hand\"")),
        "{}",
        run.out
    );
    let by_variable = weir(&["dev", "replay", text(&recording), "--json"], &[("WEIR_CONFIG", text(&path))]);
    assert_eq!(by_variable.out, run.out);
    let path = folder.file("servces: []\n");
    let run = weir(&["dev", "replay", text(&recording), "--config", text(&path)], &[]);
    assert_eq!((run.out.as_str(), run.code), ("", Some(1)), "{}", run.said);
    assert!(run.said.contains(":1:1: unknown key `servces`: did you mean `services`?"), "{}", run.said);
}
