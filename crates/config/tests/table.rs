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
