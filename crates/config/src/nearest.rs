//! What somebody may have meant who typed a word that is not known.

/// The known word that is typed most like this one, in whatever case; `None` where none is at all like it.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase();
    // A third of the letters may be wrong; one of them always.
    let most = (typed.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|word| (distance(&typed, &word.to_ascii_lowercase()), word))
        .filter(|(distance, word)| *distance <= most && *distance < word.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// How many letters have to be typed, taken away, changed or swapped with their neighbour.
pub fn distance(one: &str, other: &str) -> usize {
    strsim::osa_distance(one, other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_meant() {
        let known = ["http", "redis", "mysql", "mariadb", "postgresql", "postgres", "dns", "NXDOMAIN"];
        let cases = [
            ("htp", Some("http")),
            ("htpt", Some("http")),
            ("Postgre", Some("postgres")),
            ("postgresq", Some("postgresql")),
            ("nxdomian", Some("NXDOMAIN")),
            ("kafka", None),
            ("x", None),
            ("", None),
        ];
        for (typed, expected) in cases {
            assert_eq!(nearest(typed, known), expected, "{typed}");
        }
    }
}
