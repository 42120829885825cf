//! Tokens: what is given out, and what is kept of it.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Random bytes of a token.
const SECRET_BYTES: usize = 32;
/// As many digits as 32 bytes can take: 62^43 > 2^256.
const DIGITS: usize = 43;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Longer than any token; what is longer is not looked at.
const LONGEST: usize = 64;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To ask: the API, and what it tells live.
    Read,
    /// To send by OpenTelemetry's protocol.
    Write,
    /// To be an agent: to send its batches.
    Agent,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Scope; 3] = [Scope::Read, Scope::Write, Scope::Agent];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Agent => "agent",
        }
    }

    /// The scope of this name.
    pub fn named(name: &str) -> Option<Self> {
        Scope::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A token as it is given out: `weir_read_` and 43 digits. It is shown once, and kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new one, of the system's random bytes.
    ///
    /// # Errors
    ///
    /// When the system has none.
    pub fn new(scope: Scope) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Secret(format!("weir_{}_{}", scope.name(), digits(bytes))))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A number of 256 bits to the base 62, the highest digit first.
fn digits(mut number: [u8; SECRET_BYTES]) -> String {
    let mut digits = [0; DIGITS];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0;
        for byte in &mut number {
            let part = (rest << 8) | u32::from(*byte);
            *byte = (part / 62) as u8;
            rest = part % 62;
        }
        *digit = ALPHABET[rest as usize];
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// What is kept of a token: its SHA-256. A slow hash protects words that people think of, of which an attacker tries the
/// likely ones; of 2^256 numbers none is likelier than another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Of what somebody shows; none if it is too long to be a token.
    pub fn of(shown: &[u8]) -> Option<Self> {
        (shown.len() <= LONGEST).then(|| Hash(Sha256::digest(shown).into()))
    }

    /// Takes the same time wherever they differ.
    pub(super) fn is(&self, other: &Hash) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(***)")
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("a hash is 64 hexadecimal digits");
        let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
        let digits = digits.filter(|digits| digits.len() == 64).ok_or_else(wrong)?;
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (pair[0] << 4 | pair[1]) as u8;
        }
        Ok(Hash(hash))
    }
}

/// A moment, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

impl Moment {
    /// This one.
    pub fn now() -> Self {
        Moment(Utc::now().timestamp())
    }

    /// So many seconds later, or the last one that there is.
    #[must_use]
    pub fn after(self, seconds: u64) -> Self {
        let last = DateTime::<Utc>::MAX_UTC.timestamp();
        Moment(self.0.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX)).min(last))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::<Utc>::from_timestamp(self.0, 0).unwrap_or_default();
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text).map_err(serde::de::Error::custom)?;
        Ok(Moment(time.timestamp()))
    }
}

/// What is kept of a token: a line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What it goes by in commands and logs: 8 hexadecimal digits, which tell nothing of the token itself.
    pub id: String,
    /// What whoever created it calls it.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// By what it is known again.
    #[serde(rename = "sha256")]
    pub(super) hash: Hash,
    /// When it was created.
    pub created: Moment,
    /// From when on it is not taken any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Moment>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Moment>,
}

impl Record {
    /// It is taken at this moment.
    pub fn is_valid(&self, now: Moment) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_256_random_bits_and_says_what_it_is_for() {
        assert_eq!(digits([0; 32]), "0".repeat(43));
        let mut one = [0; 32];
        one[31] = 63;
        assert_eq!(digits(one), format!("{}11", "0".repeat(41)));
        // 2^256 - 1.
        assert_eq!(digits([255; 32]), "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
        for scope in Scope::ALL {
            let (one, other) = (Secret::new(scope).expect("random"), Secret::new(scope).expect("random"));
            assert_ne!(one, other);
            let rest = one.as_str().strip_prefix(&format!("weir_{}_", scope.name())).expect("a prefix");
            assert!(rest.len() == 43 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{rest}");
            assert_eq!(format!("{one:?}"), "Secret(***)");
            assert_eq!(Scope::named(scope.name()), Some(scope));
            assert!(Hash::of(one.as_str().as_bytes()).is_some());
        }
        assert_eq!(Hash::of(&[b'x'; 65]), None);
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let record = Record {
            id: "0a1b2c3d".into(),
            name: "grafana".into(),
            scope: Scope::Read,
            hash: Hash::of(b"abc").expect("a hash"),
            created: Moment(1_795_161_600),
            expires: Some(Moment(1_795_161_600).after(86_400)),
            revoked: None,
        };
        let text = serde_json::to_string(&record).expect("JSON");
        assert_eq!(
            text,
            "{\"id\":\"0a1b2c3d\",\"name\":\"grafana\",\"scope\":\"read\",\"sha256\":\
             \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\
             \"created\":\"2026-11-20T08:00:00Z\",\"expires\":\"2026-11-21T08:00:00Z\"}"
        );
        assert_eq!(serde_json::from_str::<Record>(&text).expect("a record"), record);
        assert!(!format!("{record:?}").contains("ba78"));
        for wrong in
            [text.replace("ba78", "ba7"), text.replace("ba78", "xa78"), text.replace("read", "admin")]
        {
            assert!(serde_json::from_str::<Record>(&wrong).is_err(), "{wrong}");
        }
        assert!(record.is_valid(Moment(1_795_161_600)));
        assert!(!record.is_valid(Moment(1_795_161_600 + 86_400)));
        assert!(!Record { revoked: Some(Moment(1)), ..record }.is_valid(Moment(1_795_161_600)));
        let _ = Moment(i64::MAX - 1).after(u64::MAX).to_string();
    }
}
