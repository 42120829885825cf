//! The OpenAPI document, which is made from the types, against the one that is committed: `UPDATE_GOLDEN=1` writes it anew.

use std::path::Path;

#[test]
fn the_document_is_the_committed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let made = server::api::document();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &made).expect("written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "openapi.json differs from the types: UPDATE_GOLDEN=1 cargo test -p server writes it, and git shows the difference"
    );
}
