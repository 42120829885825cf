//! Who may ask.
//!
//! A request shows a token, or it comes from this host ([`Config::loopback`]) or to a server that asks for none
//! ([`Config::insecure`]); then it is looked at whether a page of another site has a browser ask. A token that is shown is
//! checked wherever it comes from. Nothing that a request says of where it comes from is believed.
//!
//! Which scope a path needs is said where routers are joined:
//!
//! ```no_run
//! # fn example(auth: std::sync::Arc<server::auth::Auth>, api: axum::Router, otlp: axum::Router) -> axum::Router {
//! use server::auth::Scope;
//!
//! auth.guard(api, Scope::Read).merge(auth.guard(otlp, Scope::Write))
//! # }
//! ```

mod audit;
mod failures;
mod file;
mod guard;
mod known;
mod origin;
mod token;
mod used;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::middleware::from_fn;

pub use audit::{Act, Audit, Say};
pub use file::{Content, FileError, TokenFile};
pub use guard::Caller;
pub use known::Token;
pub use token::{Hash, Moment, Record, Scope, Secret};
pub use used::read as last_used;

use failures::Failures;
use known::Known;

/// Whether processes of this host may ask without a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loopback {
    /// They may.
    #[default]
    Open,
    /// They may not.
    Token,
}

/// Who may ask.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The folder of the tokens.
    pub folder: PathBuf,
    /// Whether processes of this host need one.
    pub loopback: Loopback,
    /// Nobody needs one.
    pub insecure: bool,
    /// Names of the server, for those who ask without one.
    pub names: Vec<String>,
}

/// What became of requests that were not let in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refused {
    /// They showed no token, or none that is valid.
    pub unauthenticated: u64,
    /// Their token allows something else.
    pub forbidden: u64,
    /// Another site's page has made a browser ask, or they were for another host.
    pub foreign: u64,
    /// They showed too many tokens that are none.
    pub too_many: u64,
}

/// Lets in who may ask.
#[derive(Debug)]
pub struct Auth {
    config: Config,
    known: Known,
    failures: Failures,
    unauthenticated: AtomicU64,
    forbidden: AtomicU64,
    foreign: AtomicU64,
    too_many: AtomicU64,
}

impl Auth {
    /// Reads the tokens, and again when they have changed.
    ///
    /// # Errors
    ///
    /// When there are tokens and they cannot be read.
    pub fn new(config: Config, audit: Arc<Audit>) -> Result<Self, FileError> {
        let known = Known::new(TokenFile::new(&config.folder), audit)?;
        Ok(Auth {
            config,
            known,
            failures: Failures::new(),
            unauthenticated: AtomicU64::new(0),
            forbidden: AtomicU64::new(0),
            foreign: AtomicU64::new(0),
            too_many: AtomicU64::new(0),
        })
    }

    /// The router, for those only who may. A handler finds a [`Caller`] among its request's extensions.
    pub fn guard<S: Clone + Send + Sync + 'static>(
        self: &Arc<Self>,
        router: Router<S>,
        scope: Scope,
    ) -> Router<S> {
        let auth = self.clone();
        router.layer(from_fn(move |request, next| guard::pass(auth.clone(), scope, request, next)))
    }

    /// Tokens that are valid at this moment.
    pub fn valid_tokens(&self) -> usize {
        self.known.valid()
    }

    /// What was refused so far.
    pub fn refused(&self) -> Refused {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Refused {
            unauthenticated: of(&self.unauthenticated),
            forbidden: of(&self.forbidden),
            foreign: of(&self.foreign),
            too_many: of(&self.too_many),
        }
    }
}

impl Drop for Auth {
    fn drop(&mut self) {
        self.known.save_used();
    }
}
