//! Settings: any bytes as a file and as variables. What is taken is printed as YAML that says the same.
#![no_main]

use config::{KEYS, Settings, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut settings = Settings::defaults(KEYS);
    let problems = settings.read(text, "f");
    assert!(problems.to_string().len() < 100_000);
    assert!(problems.iter().all(|problem| problem.place.is_some()), "{problems}");

    let printed = config::yaml(&settings);
    let mut again = Settings::defaults(KEYS);
    let problems = again.read(&printed, "g");
    assert!(problems.is_empty(), "{printed}\n{problems}");
    assert!(Settings::changes(&settings, &again).is_empty(), "{printed}");
    assert!(again.iter().all(|(_, setting)| matches!(setting.source, Source::File { .. })));
    assert!(config::json(&settings).ends_with("}\n"));

    for key in KEYS {
        let _ = key.read(text);
    }
});
