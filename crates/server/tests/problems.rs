//! Problem documents and what is written of them.

use server::problem::Kind;

#[test]
fn every_kind_is_explained_where_its_type_leads_to() {
    let written = include_str!("../../../docs/problems.md");
    let mut expected = String::from(
        "# Problems\n\nWhat Weir's HTTP interfaces answer when they cannot do what was asked: a document as [RFC \
         9457](https://www.rfc-editor.org/rfc/rfc9457) describes\nit, of the type `application/problem+json`. Its \
         `type` leads here, and never changes; `detail` says in words what it is this time.\n",
    );
    for kind in Kind::ALL {
        let (status, title) = (kind.status().as_u16(), kind.title());
        expected.push_str(&format!("\n## {}\n\n{status}: {title}. {}\n", kind.name(), kind.advice()));
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/problems.md");
        std::fs::write(path, &expected).expect("written");
        return;
    }
    assert_eq!(written, expected, "UPDATE_GOLDEN=1 writes it anew");
}
