//! Rules that hold for every key there is.

use std::collections::HashSet;

use config::{Default, Given, KEYS, Kind, SECTIONS, Settings, Value};

#[test]
fn names_are_words_and_nobody_else_has_them() {
    let mut options = HashSet::new();
    let mut variables = HashSet::from([config::FILE_VARIABLE.to_owned()]);
    for key in KEYS {
        let plain = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
        assert!(key.path.chars().all(plain) && key.path.matches('.').count() <= 1, "{}", key.path);
        assert!(variables.insert(key.variable()), "{}: {} is taken", key.path, key.variable());
        assert!(
            SECTIONS.iter().any(|(section, _)| *section == key.section()),
            "{}: no such section",
            key.path
        );
        assert!(!KEYS.iter().any(|other| other.section() == key.path), "{} is a section too", key.path);
        // What is on a command line is seen by every user.
        assert!(!key.secret || key.option().is_none(), "{}: a secret", key.path);
        if let Some(option) = key.option() {
            assert!(!matches!(key.kind, Kind::Table { .. } | Kind::Records { .. }), "{}: no word", key.path);
            assert!(options.insert(option.clone()), "{}: --{option} is taken", key.path);
            assert!(options.insert(format!("no-{option}")), "{}: --no-{option} is taken", key.path);
        }
    }
    // The file names them in this order, each section once.
    let mut sections: Vec<_> = KEYS.iter().map(|key| key.section()).collect();
    sections.dedup();
    let known: Vec<_> = SECTIONS.iter().map(|(section, _)| *section).collect();
    assert_eq!(sections, known);
}

#[test]
fn defaults_can_be_read_and_examples_are_something_else() {
    for key in KEYS {
        assert!(key.help.ends_with('.') && !key.example.is_empty(), "{}", key.path);
        if let Default::Is(text) = key.default {
            let value = key.read(text).unwrap_or_else(|error| panic!("{}: {error}", key.path));
            assert_eq!(value, key.default_value(), "{}", key.path);
            assert_ne!(value, Value::Auto, "{}", key.path);
        }
    }
    let mut settings = Settings::defaults(KEYS);
    assert_eq!(settings.count_set(), 0);
    let problems = settings.read(&config::example(KEYS), "example");
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(settings.count_set(), KEYS.len());
    for change in Settings::changes(&Settings::defaults(KEYS), &settings) {
        assert_eq!(change.needs_restart, change.key.change == config::Change::Restart);
    }
    assert_eq!(Settings::changes(&Settings::defaults(KEYS), &settings).len(), KEYS.len());
    assert!(Settings::changes(&settings, &settings.clone()).is_empty());
}

#[test]
fn every_method_gives_the_value_of_its_key() {
    let defaults = Settings::defaults(KEYS);
    assert_eq!(defaults.capture_ring(), None);
    assert_eq!(defaults.capture_backend(), None);
    assert!(defaults.capture_udp() && !defaults.privacy_show_values());
    assert_eq!(defaults.names_docker_root(), "/var/lib/docker");
    assert_eq!(defaults.agent_state_directory(), "/var/lib/weir");
    assert_eq!(defaults.agent_host_id(), None);
    assert!(defaults.services().is_empty());

    let mut settings = Settings::defaults(KEYS);
    assert!(settings.read(&config::example(KEYS), "example").is_empty());
    assert_eq!(settings.capture_ring(), Some(config::units::Size(32 << 20)));
    assert_eq!(settings.capture_backend().as_deref(), Some("trampoline"));
    assert!(!settings.capture_udp() && settings.privacy_show_values());
    assert_eq!(settings.names_docker_root(), "/data/docker");
    assert_eq!(settings.agent_state_directory(), "/srv/weir");
    assert_eq!(settings.agent_host_id().as_deref(), Some("i-0abcdef1234567890"));
    let services = settings.services();
    assert_eq!(services[0].get("executable"), Some("/opt/shop/*"));
    assert_eq!((services[1].get("name"), services[1].get("command")), (Some("batch"), None));
}

/// The document is made of the table: `UPDATE_GOLDEN=1` writes it anew.
#[test]
fn the_document_tells_of_every_key() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let made = config::markdown(KEYS);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &made).expect("the document can be written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == made,
        "docs/configuration.md is not of these keys: UPDATE_GOLDEN=1 cargo test -p config"
    );
    for key in KEYS {
        assert!(config::text(KEYS).contains(&format!("\n  {}\n", key.path)), "{}", key.path);
    }
}

#[test]
fn what_is_listed_fits_80_columns() {
    let text = config::text(KEYS);
    let wide = text.lines().find(|line| line.chars().count() > 80);
    assert_eq!(wide, None);
}

#[test]
fn nothing_given_is_the_defaults() {
    let given = Given { file: Some("/dev/null".into()), ..Given::default() };
    let settings = Settings::load(KEYS, &given).expect("an empty file is fine");
    assert_eq!((settings.count_set(), settings.warnings().len()), (0, 0));
    assert!(Settings::changes(&settings, &Settings::defaults(KEYS)).is_empty());
}

const RECEIVERS: &str = "otlp:
  - endpoint: https://otlp.example.com
    headers: {authorization: Bearer hidden, x-team: hidden}
    signals: [spans]
    tls_insecure: true
";

#[test]
fn secrets_among_fields_are_not_printed_and_the_rest_can_be_read_again() {
    let mut settings = Settings::defaults(KEYS);
    assert!(settings.read(RECEIVERS, "f").is_empty());
    let (yaml, json) = (config::yaml(&settings), config::json(&settings));
    assert!(!yaml.contains("hidden") && !json.contains("hidden"), "{yaml}");
    for part in [
        "  - endpoint: \"https://otlp.example.com\"\n",
        "    signals: [spans]\n",
        "    headers: {authorization: \"***\", x-team: \"***\"}\n",
        "    tls_insecure: true\n",
    ] {
        assert!(yaml.contains(part), "{part}\nin\n{yaml}");
    }
    assert!(json.contains(r#""headers":{"authorization":"***","x-team":"***"}"#), "{json}");
    let mut again = Settings::defaults(KEYS);
    assert!(again.read(&yaml, "f").is_empty());
    let rule = &again.otlp()[0];
    assert_eq!(
        (rule.texts("signals"), rule.value("tls_insecure")),
        (Some(vec!["spans".to_owned()]), Some(true))
    );
    assert_eq!((rule.texts("queue"), rule.get("protocol")), (None, None));
}

#[test]
fn a_file_with_secrets_among_fields_is_not_for_everybody() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("weir.yaml");
    for (text, warned) in [(RECEIVERS, true), ("otlp: [{endpoint: 'http://localhost:4318'}]", false)] {
        std::fs::write(&file, text).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("a mode");
        let given = Given { file: Some(file.clone()), ..Given::default() };
        let settings = Settings::load(KEYS, &given).expect("settings");
        assert_eq!(settings.warnings().iter().any(|warning| warning.contains("otlp holds a secret")), warned);
    }
}

#[test]
fn what_all_programs_share_gives_way_to_what_is_meant_for_weir() {
    let shared = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://shared:4318");
    let own = ("WEIR_OTLP", "[{endpoint: 'http://own:4318'}]");
    let load = |variables: &[(&str, &str)], file: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("weir.yaml");
        std::fs::write(&path, file).expect("a file");
        let environment = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let given = Given { file: Some(path), environment, ..Given::default() };
        let settings = Settings::load(KEYS, &given).expect("settings");
        let source =
            settings.iter().find(|(key, _)| key.path == "otlp").map(|(_, own)| own.source.to_string());
        let found = settings.otlp().first().and_then(|rule| rule.get("endpoint").map(str::to_owned));
        (found.unwrap_or_default(), source.unwrap_or_default())
    };
    let (found, source) = load(&[shared], "");
    assert_eq!(
        (found.as_str(), source.as_str()),
        ("http://shared:4318", "environment OTEL_EXPORTER_OTLP_ENDPOINT")
    );
    assert_eq!(load(&[shared, own], "").0, "http://own:4318");
    assert_eq!(load(&[shared], "otlp: [{endpoint: 'http://file:4318'}]").0, "http://file:4318");
    assert_eq!(load(&[shared], "otlp: []").0, "", "who sets that there are none wants none");
}

#[test]
fn receivers_are_checked_before_anything_is_sent() {
    let cases = [
        ("{endpoint: 'collector:4318'}", "does not begin with http:// or https://"),
        ("{endpoint: 'http://user:hidden@collector'}", "a user or password has no place in a URL"),
        ("{endpoint: 'http://:4318'}", "names no host"),
        ("{endpoint: 'http://collector/?x=hidden'}", "it has a space, a query or a fragment"),
        ("{endpoint: 'http://c', protocol: json}", "'json' is not known"),
        ("{endpoint: 'http://c', signals: [logs]}", "'logs' is not known"),
        ("{endpoint: 'http://c', queue: 1kB}", "it may be a size from 1MiB"),
        ("{endpoint: 'http://c', header: {a: b}}", "unknown key `header`: did you mean `headers`?"),
        ("{protocol: grpc}", "it has no `endpoint`"),
    ];
    for (entry, expected) in cases {
        let mut settings = Settings::defaults(KEYS);
        let problems = settings.read(&format!("otlp: [{entry}]"), "f").to_string();
        assert!(problems.contains(expected) && !problems.contains("hidden"), "{entry}: {problems}");
    }
}
