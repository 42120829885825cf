//! Texts in, values or explanations out: for every kind of key, whether Weir has one of it today or not.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use config::{Change, Default, Field, Flag, Given, Key, Kind, Settings, Source, yaml};

const fn key(path: &'static str, kind: Kind, default: Default) -> Key {
    Key {
        path,
        kind,
        default,
        help: "Help.",
        example: "x",
        change: Change::Reload,
        flag: Flag::Path,
        secret: false,
    }
}

const MATCH: &[Field] = &[
    Field { name: "name", kind: Kind::Text, required: true, help: "The name.", secret: false },
    Field { name: "command", kind: Kind::Text, required: false, help: "The command.", secret: false },
];

static KEYS: &[Key] = &[
    key("one.flag", Kind::Boolean, Default::Is("false")),
    key("one.count", Kind::Number { least: 1, most: 10 }, Default::Is("3")),
    key("one.ring", Kind::Size { least: 128 << 10, most: 1 << 30 }, Default::Auto("enough")),
    key("one.pause", Kind::Duration { least: 1_000_000, most: u64::MAX }, Default::Is("10s")),
    key("one.max_cpu", Kind::Percent { least: 1, most: 10_000 }, Default::Is("10%")),
    key("one.label", Kind::Text, Default::Is("none")),
    key("two.folder", Kind::Path, Default::Is("/var")),
    key("two.listen", Kind::Address, Default::Is("127.0.0.1:7401")),
    key("two.way", Kind::Choice(&["tracepoint", "kprobe"]), Default::Auto("the best")),
    key("two.ports", Kind::List { of: &Kind::Number { least: 1, most: 65_535 }, most: 3 }, Default::Is("[]")),
    Key { secret: true, ..key("two.headers", Kind::Table { most: 2 }, Default::Is("{}")) },
    Key { secret: true, ..key("two.token", Kind::Text, Default::Auto("none")) },
    key("rules", Kind::Records { fields: MATCH, most: 2, terse: false }, Default::Is("[]")),
];

#[track_caller]
fn read(text: &str) -> Settings {
    let mut settings = Settings::defaults(KEYS);
    let problems = settings.read(text, "f");
    assert!(problems.is_empty(), "{text:?}: {problems}");
    settings
}

/// The line of the printed settings that holds a key of this name.
#[track_caller]
fn line(settings: &Settings, word: &str) -> String {
    let printed = yaml(settings);
    let found = printed.lines().find(|line| line.trim_start().starts_with(&format!("{word}:")));
    found.unwrap_or_else(|| panic!("no {word} in\n{printed}")).trim_start().to_owned()
}

#[test]
fn every_kind_is_read() {
    let cases = [
        ("one: {flag: true}", "flag: true # f:1"),
        ("one:\n  flag: \"true\"", "flag: true # f:2"),
        ("one: {count: 10}", "count: 10 # f:1"),
        ("one: {ring: 64MB}", "ring: 64MB # f:1"),
        ("one: {ring: 4MiB}", "ring: 4MiB # f:1"),
        ("one: {ring: 0.5 GiB}", "ring: 512MiB # f:1"),
        ("one: {ring: auto}", "ring: auto # f:1"),
        ("one: {pause: 90s}", "pause: 90s # f:1"),
        ("one: {pause: 2}", "pause: 2s # f:1"),
        ("one: {pause: 1.5ms}", "pause: 1500us # f:1"),
        ("one: {max_cpu: 12.5%}", "max_cpu: 12.5% # f:1"),
        ("one: {label: 'true'}", "label: \"true\" # f:1"),
        ("one: {label: 0x10}", "label: \"0x10\" # f:1"),
        ("one: {label: 1e3}", "label: \"1e3\" # f:1"),
        ("one: {label: '# no comment: \"x\"'}", r##"label: "# no comment: \"x\"" # f:1"##),
        ("one: {label: ø}", "label: \"ø\" # f:1"),
        ("one:\n  label: >\n    folded", ""),
        ("two: {folder: /a b}", "folder: \"/a b\" # f:1"),
        ("two: {listen: '[::1]:80'}", "listen: \"[::1]:80\" # f:1"),
        ("two: {way: kprobe}", "way: kprobe # f:1"),
        ("two: {ports: []}", "ports: [] # f:1"),
        ("# nothing but a comment\n", "flag: false # default"),
        ("one:\n", "flag: false # default"),
        ("---\none:\n  flag: true\n...\n", "flag: true # f:3"),
        ("\u{feff}one: {flag: true}", "flag: true # f:1"),
        ("one: {flag: true}\r\ntwo: {way: kprobe}\r\n", "way: kprobe # f:2"),
    ];
    for (text, expected) in cases {
        let mut settings = Settings::defaults(KEYS);
        let problems = settings.read(text, "f");
        if expected.is_empty() {
            // A folded text ends with a line break, which no key takes.
            assert!(problems.to_string().contains("control character"), "{text:?}: {problems}");
            continue;
        }
        assert!(problems.is_empty(), "{text:?}: {problems}");
        let word = expected.split(':').next().expect("a word");
        assert_eq!(line(&settings, word), expected, "{text:?}");
    }
}

#[test]
fn structures_are_read_and_printed() {
    let settings = read(
        "two:\n  ports: [80, 443]\n  headers:\n    authorization: Bearer secret\n  token: secret\nrules:\n  - name: shop\n    command: sho*\n  - {command: 'a: b', name: x y}\n",
    );
    let printed = yaml(&settings);
    for part in [
        "  ports: # f:2\n    - \"80\"\n    - \"443\"\n",
        "  headers: # f:3\n    authorization: \"***\"\n",
        "  token: \"***\" # f:5\n",
        "rules: # f:6\n  - name: shop\n    command: sho*\n  - name: \"x y\"\n    command: \"a: b\"\n",
    ] {
        assert!(printed.contains(part), "{part}\nin\n{printed}");
    }
    assert!(!printed.contains("secret"), "{printed}");
    assert!(yaml(&read("two: {ports: 80}")).contains("    - \"80\"\n"), "a list of one");
    let json = config::json(&settings);
    assert!(!json.contains("secret") && json.contains("\"authorization\":\"***\""), "{json}");
    assert!(json.contains(r#"{"command":"a: b","name":"x y"}"#) && json.contains(r#""line":6"#), "{json}");
}

#[test]
fn every_mistake_is_explained_at_its_place() {
    let mut wrong = Vec::new();
    let cases = [
        ("one: {flag: yes}", "f:1:13: one.flag: 'yes' is neither true nor false"),
        ("one: {flag: [1]}", "f:1:13: one.flag: a list, where it has to be true or false"),
        ("one: {flag: {a: 1}}", "f:1:13: one.flag: a map, where it has to be true or false"),
        ("one:\n  flag:\n", "f:2:7: one.flag: no value: it has to be true or false, or leave the key out"),
        ("one: {count: 0}", "f:1:14: one.count: it may be a number from 1 to 10"),
        ("one: {count: -1}", "f:1:14: one.count: '-1' is no whole number"),
        ("one: {count: 1.5}", "f:1:14: one.count: '1.5' is no whole number"),
        (
            "one: {count: 99999999999999999999}",
            "f:1:14: one.count: '99999999999999999999' is no whole number",
        ),
        ("one: {ring: 1}", "f:1:13: one.ring: it may be a size from 128KiB to 1GiB"),
        (
            "one: {ring: 8 miles}",
            "f:1:13: one.ring: unknown unit 'miles'; known are B, kB, MB, GB, KiB, MiB and GiB",
        ),
        ("one: {ring: lots}", "f:1:13: one.ring: 'lots' does not begin with a number"),
        ("one: {pause: 1us}", "f:1:14: one.pause: it may be a duration from 1ms on"),
        ("one: {max_cpu: 10}", "f:1:16: one.max_cpu: '10' has no unit, such as %"),
        ("one: {max_cpu: 101%}", "f:1:16: one.max_cpu: it may be a percentage from 0.01% to 100%"),
        ("one: {label: ''}", "f:1:14: one.label: it is empty"),
        ("one: {label: auto}", ""),
        ("two: {folder: var}", "f:1:15: two.folder: 'var' is no absolute path: it has to begin with /"),
        (
            "two: {listen: 7401}",
            "f:1:15: two.listen: '7401' is no IP address with a port, such as 127.0.0.1:7401",
        ),
        (
            "two: {way: kprobes}",
            "f:1:12: two.way: 'kprobes' is not known; did you mean kprobe? known are tracepoint, kprobe",
        ),
        ("two: {ports: http}", "f:1:14: two.ports: 'http' is no whole number"),
        (
            "two: {ports: [80, x, 0]}",
            "f:1:19: two.ports: 'x' is no whole number\nf:1:22: two.ports: it may be a number from 1 to 65535",
        ),
        ("two: {ports: [1, 2, 3, 4]}", "f:1:14: two.ports: 4 of them, more than 3"),
        ("two: {headers: {a: 1, a: 2}}", "f:1:23: two.headers: `a` stands here again; it is set at 1:17"),
        ("two: {headers: {a: [secret]}}", "f:1:20: two.headers: a list, where it has to be text"),
        ("rules: [{command: x}]", "f:1:9: rules: it has no `name`: The name."),
        ("rules: [{name: x}]", "f:1:9: rules: it says nothing more: give one at least of command"),
        ("rules: [{name: x, comand: y}]", "f:1:19: rules: unknown key `comand`: did you mean `command`?"),
        ("rules: [shop]", "f:1:9: rules: it has to be a map with name, command"),
        ("rules: {name: x}", "f:1:8: rules: a map, where it has to be a list of maps with name, command"),
        ("one: {rign: 1MB}", "f:1:7: unknown key `one.rign`: did you mean `ring`?"),
        ("on: {ring: 1MB}", "f:1:1: unknown key `on`: did you mean `one`?"),
        ("ring: 1MB", "f:1:1: unknown key `ring`: did you mean `ring`, in the section `one:`?"),
        (
            "one: {listen: x}",
            "f:1:7: unknown key `one.listen`: did you mean `listen`, in the section `two:`?",
        ),
        ("one.ring: 1MB", "f:1:1: unknown key `one.ring`: did you mean `ring`, in the section `one:`?"),
        (
            "one: {rules: []}",
            "f:1:7: unknown key `one.rules`: did you mean `rules`, which stands in no section?",
        ),
        ("colour: red", "f:1:1: unknown key `colour`: known here are one, two, rules"),
        ("one: true", "f:1:6: `one` is a section: its keys stand below it, indented"),
        ("one: {flag: true, flag: false}", "f:1:19: `flag` stands here again; it is set at 1:7"),
        ("one: {flag: true}\none: {count: 1}", "f:2:1: `one` stands here again; it is set at 1:1"),
        ("- a\n- b\n", "f:1:1: no settings: these are `key: value`, in sections such as `one:`"),
        ("just a text", "f:1:1: no settings: these are `key: value`, in sections such as `one:`"),
        ("one:\n\tflag: true\n", "f:2:1: a tab in the indentation: YAML takes only spaces there"),
        ("one: {flag: &a true}\n", "f:1:16: anchors (&name) are not taken: write the value out"),
        (
            "one: {flag: maybe, count: 11}\nthree: 3\n",
            "f:1:13: one.flag: 'maybe' is neither true nor false\nf:1:27: one.count: it may be a number from 1 to 10\n\
             f:2:1: unknown key `three`: known here are one, two, rules",
        ),
    ];
    for (text, expected) in cases {
        let problems = Settings::defaults(KEYS).read(text, "f").to_string();
        if problems != expected {
            wrong.push(format!("{text:?}:\n  {problems}\n  {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hostile_files_are_refused_in_no_time() {
    let began = std::time::Instant::now();
    let laughs = (1..40).fold("a0: &a0 [x, x]\n".to_owned(), |text, level| {
        let before = format!("*a{}", level - 1);
        format!("{text}a{level}: &a{level} [{before}, {before}, {before}]\n")
    });
    let many = "unknown: 1\n".repeat(90_000);
    let long = format!("one: {{label: {}}}", "x".repeat(1 << 20));
    let wide = format!("two: {{ports: [{}]}}", "1,".repeat(500_000));
    let bells = "\"\\x1b[31m\": 1";
    for text in [
        laughs,
        many,
        long,
        wide,
        bells.to_owned(),
        "[".repeat(1 << 20),
        "? ".repeat(1 << 19),
        "a: ".repeat(1 << 18),
    ] {
        let problems = Settings::defaults(KEYS).read(&text, "f");
        let told = problems.to_string();
        assert!(!problems.is_empty() && told.len() < 10_000, "{} bytes told", told.len());
        assert!(!told.contains('\u{1b}'), "{told:?}");
        assert!(problems.iter().all(|problem| problem.place.is_some()), "{told}");
    }
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[track_caller]
fn given(variables: &[(&str, &str)], flags: &[(&'static str, &str)], file: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weir.yaml");
    std::fs::write(&path, file).expect("a file");
    let flags = flags.iter().map(|(path, text)| {
        let key = KEYS.iter().find(|key| key.path == *path).expect("a key");
        (key.path, key.read(text).expect("a value"), format!("--{}", key.option().expect("an option")))
    });
    let given = Given {
        flags: flags.collect(),
        environment: variables.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        file: Some(path.clone()),
    };
    let settings = Settings::load(KEYS, &given).map_err(|problems| problems.to_string());
    settings.map_err(|told| told.replace(&path.display().to_string(), "f"))
}

#[test]
fn the_stronger_wins() {
    let file = "one: {flag: true, count: 4, pause: 1s}";
    let variables =
        [("WEIR_ONE_COUNT", "5"), ("WEIR_ONE_PAUSE", "2s"), ("WEIR_ONE_FLAG", ""), ("HOME", "/root")];
    let settings = given(&variables, &[("one.pause", "3s")], file).expect("settings");
    assert_eq!(line(&settings, "pause"), "pause: 3s # flag --one-pause");
    assert_eq!(line(&settings, "count"), "count: 5 # environment WEIR_ONE_COUNT");
    assert!(line(&settings, "flag").starts_with("flag: true # /"));
    assert_eq!(line(&settings, "label"), "label: none # default");
    assert_eq!((settings.count_set(), settings.warnings()), (3, [].as_slice()));
}

#[test]
fn variables_give_structures_too() {
    let variables = [
        ("WEIR_TWO_PORTS", "80, 443"),
        ("WEIR_TWO_HEADERS", "{authorization: Bearer x}"),
        ("WEIR_RULES", "[{name: shop, command: shopd}]"),
    ];
    let settings = given(&variables, &[], "").expect("settings");
    let json = config::json(&settings);
    assert!(json.contains(r#""key":"two.ports","source":"environment","value":[80,443]"#), "{json}");
    assert!(json.contains(r#"[{"command":"shopd","name":"shop"}]"#), "{json}");
    let wrong = [
        ("WEIR_ONE_COUNT", "eleven"),
        ("WEIR_TWO_PORTS", "80,x"),
        ("WEIR_RULES", "shop"),
        ("WEIR_TWO_HEADERS", "{a: *b}"),
    ];
    let expected = "f:1:13: one.flag: 'x' is neither true nor false\n\
        WEIR_ONE_COUNT: 'eleven' is no whole number\n\
        WEIR_TWO_PORTS: 'x' is no whole number\n\
        WEIR_RULES: 1:1: it has to be a list of maps with name, command\n\
        WEIR_TWO_HEADERS: 1:5: aliases (*name) are not taken: write the value out";
    assert_eq!(given(&wrong, &[], "one: {flag: x}").expect_err("mistakes"), expected);
}

#[test]
fn variables_that_are_not_known_are_warned_of() {
    let variables = [
        ("WEIR_ONE_CUONT", "5"),
        ("WEIR_COLOUR", "red"),
        ("WEIR_CONFIG", "/somewhere/else"),
        ("WEIR_SERVICE_HOST", "10.0.0.1"),
        ("WEIR_SERVICE_PORT_HTTP", "7401"),
        ("WEIR_PORT", "tcp://10.0.0.1:7401"),
        ("WEIR_SERVER_PORT_7400_TCP_ADDR", "10.0.0.1"),
        ("WEIR_PORT_7401_TCP", "tcp://10.0.0.1:7401"),
    ];
    let settings = given(&variables, &[], "").expect("settings");
    assert_eq!(
        settings.warnings(),
        [
            "the variable WEIR_ONE_CUONT is not known and has no effect; did you mean WEIR_ONE_COUNT?",
            "the variable WEIR_COLOUR is not known and has no effect; `weir config keys` lists those that are known",
        ]
    );
}

#[test]
fn what_is_no_text_is_told() {
    let environment = vec![(OsString::from("WEIR_ONE_LABEL"), OsString::from_vec(vec![0xff]))];
    let given = Given { environment, file: Some("/dev/null".into()), ..Given::default() };
    assert_eq!(Settings::load(KEYS, &given).expect_err("no UTF-8").to_string(), "WEIR_ONE_LABEL: no UTF-8");
}

#[test]
fn files_that_are_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("latin"), b"one:\n  label: caf\xe9\n").expect("a file");
    std::fs::write(path("large"), "# 0123456789\n".repeat(800_000)).expect("a file");
    std::fs::create_dir(path("folder")).expect("a folder");
    std::fs::write(path("empty"), "").expect("a file");
    let load = |name: &str| {
        let given = Given { file: Some(path(name)), ..Given::default() };
        let told = Settings::load(KEYS, &given).map(|settings| settings.count_set());
        told.map_err(|problems| problems.to_string().replace(&path(name).display().to_string(), "f"))
    };
    assert_eq!(load("empty"), Ok(0));
    assert_eq!(load("latin"), Err("f:2:13: no UTF-8 from here on: save the file as UTF-8".into()));
    assert_eq!(load("large"), Err("f: more than 1 MiB: that is no file of settings".into()));
    assert_eq!(load("folder"), Err("f: it is a folder: name the file in it".into()));
    assert_eq!(load("missing"), Err("f: there is no such file".into()));
    let made = std::process::Command::new("mkfifo").arg(path("pipe")).status().expect("mkfifo");
    assert!(made.success());
    let pipe = "f: it is a named pipe, which may never say anything: name a file";
    assert_eq!(load("pipe"), Err(pipe.into()));
    // What a shell makes of `<(...)`, and who wants no settings at all.
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    std::io::Write::write_all(&mut writer, b"one: {flag: true}").expect("room in the pipe");
    drop(writer);
    for (file, set) in
        [(format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader)), 1), ("/dev/null".into(), 0)]
    {
        let given = Given { file: Some(file.into()), ..Given::default() };
        assert_eq!(Settings::load(KEYS, &given).map(|settings| settings.count_set()), Ok(set));
    }
    let given = Given { file: Some("/dev/zero".into()), ..Given::default() };
    assert!(Settings::load(KEYS, &given).is_err());
}

#[test]
fn a_secret_that_all_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weir.yaml");
    for (text, mode, expected) in [
        ("two: {token: zqsecret}", 0o644, Some(": chmod o-r ")),
        ("two: {token: zqsecret}", 0o640, None),
        ("two: {way: kprobe}", 0o644, None),
    ] {
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        let given = Given { file: Some(path.clone()), ..Given::default() };
        let settings = Settings::load(KEYS, &given).expect("settings");
        let told = settings.warnings().first();
        assert_eq!(told.is_some(), expected.is_some(), "{text} {mode:o}: {told:?}");
        assert!(expected.is_none_or(|part| told.is_some_and(|told| told.contains(part) && told.contains("two.token"))));
        assert!(!format!("{settings:?}").contains("zqsecret"), "{settings:?}");
    }
}

/// What is printed sets every key to the value it had. The values are made from a sequence of numbers.
#[test]
fn what_is_printed_is_read_as_the_same() {
    static OPEN: &[Key] = &[
        key("one.flag", Kind::Boolean, Default::Is("false")),
        key("one.count", Kind::Number { least: 0, most: u64::MAX }, Default::Is("3")),
        key("one.ring", Kind::Size { least: 0, most: u64::MAX }, Default::Auto("enough")),
        key("one.pause", Kind::Duration { least: 0, most: u64::MAX }, Default::Is("10s")),
        key("one.max_cpu", Kind::Percent { least: 0, most: u64::MAX }, Default::Is("10%")),
        key("two.label", Kind::Text, Default::Is("none")),
        key("two.listen", Kind::Address, Default::Is("127.0.0.1:7401")),
        key("two.names", Kind::List { of: &Kind::Text, most: 9 }, Default::Is("[]")),
        key("two.headers", Kind::Table { most: 9 }, Default::Is("{}")),
        key("rules", Kind::Records { fields: MATCH, most: 9, terse: false }, Default::Is("[]")),
    ];
    const PARTS: &[&str] = &[
        "a", "0", "x", ": ", "#", " #", "-", "\\", "\"", "'", "*", "&", "!", "%", "@", "`", "{", "}", "[",
        "]", ",", "?", "|", ">", "é", "漢", "🦀", "~", "null", "true", "=", "<<", "1.5", "e3", " ", "/", ":",
        "\u{85}", "\u{feff}", "\u{2028}", "auto",
    ];
    let mut state = 7_u64;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    for _ in 0..1_000 {
        let mut text = || {
            let parts: String = (0..=next(6)).map(|_| PARTS[next(PARTS.len())]).collect();
            let fine = !parts.trim().is_empty() && !parts.chars().any(char::is_control) && parts != "auto";
            serde_like(if fine { &parts } else { "z" })
        };
        let texts: Vec<String> = (0..7).map(|_| text()).collect();
        let [label, one, two, header, value, name, command] = texts.as_slice() else { unreachable!() };
        let file = format!(
            "one: {{flag: {}, count: {}, ring: {}, pause: {}ns, max_cpu: {}.{}%}}\ntwo:\n  label: {label}\n  listen: '[::{}]:{}'\n  \
             names: [{one}, {two}]\n  headers: {{{header}: {value}}}\nrules:\n- {{name: {name}, command: {command}}}\n",
            next(2) == 1,
            next(1 << 30),
            next(1 << 30),
            next(1 << 30),
            next(200),
            next(100),
            next(9999),
            next(65_536),
        );
        let mut first = Settings::defaults(OPEN);
        let problems = first.read(&file, "f");
        assert!(problems.is_empty(), "{file}\n{problems}");
        let printed = yaml(&first);
        let mut again = Settings::defaults(OPEN);
        let problems = again.read(&printed, "f");
        assert!(problems.is_empty(), "{file}\n{printed}\n{problems}");
        let changed: Vec<_> =
            Settings::changes(&first, &again).iter().map(|change| change.key.path).collect();
        assert!(changed.is_empty(), "{changed:?}\n{file}\n{printed}");
        assert!(again.iter().all(|(_, setting)| matches!(setting.source, Source::File { .. })));
    }
}

/// A text in YAML's double quotes.
fn serde_like(text: &str) -> String {
    let escaped: String = text
        .chars()
        .flat_map(|c| match c {
            '"' | '\\' => vec!['\\', c],
            c => vec![c],
        })
        .collect();
    format!("\"{escaped}\"")
}
