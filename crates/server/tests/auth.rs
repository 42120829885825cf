//! Who is let in, and who is not.

#![allow(clippy::unwrap_used)] // the helpers of a test are tests

mod wire;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Extension;
use axum::http::{Request, StatusCode};
use axum::routing::{any, get};
use http_body_util::BodyExt;
use server::auth::{Audit, Auth, Caller, Config, FileError, Loopback, Moment, Scope, TokenFile};
use server::listen::{Limits, Peer};
use tokio_stream::StreamExt;
use tower::ServiceExt;
use wire::{Server, until};

type Said = Arc<Mutex<Vec<String>>>;

fn auth(config: Config) -> (Arc<Auth>, Said) {
    let said = Said::default();
    let told = said.clone();
    let say = Arc::new(move |text: &str| told.lock().unwrap().push(text.to_owned()));
    let audit = Arc::new(Audit::new(&config.folder, "test", say));
    (Arc::new(Auth::new(config, audit).unwrap()), said)
}

fn config(folder: &Path) -> Config {
    Config { folder: folder.to_owned(), ..Config::default() }
}

fn create(folder: &Path, scope: Scope) -> (String, String) {
    let (secret, record) = TokenFile::new(folder).create(scope, "test", None, Moment::now()).unwrap();
    (secret.as_str().to_owned(), record.id)
}

/// `/read`, `/write` and `/agent`, each for who has that scope.
fn router(auth: &Arc<Auth>) -> Router {
    let who = |Extension(caller): Extension<Caller>| async move {
        caller.token.map_or_else(|| "nobody".to_owned(), |token| token.record.id.clone())
    };
    Scope::ALL.into_iter().fold(Router::new(), |router, scope| {
        router.merge(auth.guard(Router::new().route(&format!("/{}", scope.name()), any(who)), scope))
    })
}

/// What a request without a socket is answered: status, headers and body.
async fn ask(
    router: &Router,
    peer: &str,
    request: &str,
    headers: &[(&str, &str)],
) -> axum::http::Response<Bytes> {
    let (method, path) = request.split_once(' ').unwrap();
    let builder = Request::builder().method(method).uri(path);
    let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    let mut request = builder.body(Body::empty()).unwrap();
    request.extensions_mut().insert(Peer { address: peer.parse().unwrap(), encrypted: false });
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    axum::http::Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

const HERE: &str = "127.0.0.1:40000";
const THERE: &str = "10.1.2.3:40000";
const HOST: (&str, &str) = ("host", "localhost:7400");

#[tokio::test]
async fn who_is_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let (read, id) = create(folder.path(), Scope::Read);
    let (write, _) = create(folder.path(), Scope::Write);
    let (read, write) = (format!("Bearer {read}"), format!("Bearer {write}"));
    let wrong = format!("{read}x");
    let open = config(folder.path());
    let closed = Config { loopback: Loopback::Token, ..open.clone() };
    let insecure = Config { insecure: true, names: vec!["weir.example.com".into()], ..open.clone() };
    let token = |text: &'static str| ("authorization", text);
    let leak = |text: &String| -> &'static str { text.clone().leak() };
    let (read, write, wrong) = (leak(&read), leak(&write), leak(&wrong));
    let nobody = "nobody".to_owned();
    type Case = (Config, &'static str, &'static str, Vec<(&'static str, &'static str)>, Result<String, u16>);
    let cases: Vec<Case> = vec![
        // This host.
        (open.clone(), HERE, "GET /read", vec![HOST], Ok(nobody.clone())),
        (open.clone(), "[::1]:4", "POST /write", vec![HOST], Ok(nobody.clone())),
        (open.clone(), "[::ffff:127.0.0.1]:4", "GET /agent", vec![HOST], Ok(nobody.clone())),
        (open.clone(), HERE, "GET /read", vec![], Err(400)),
        (open.clone(), HERE, "GET /read", vec![("host", "evil.com")], Err(421)),
        (open.clone(), HERE, "POST /read", vec![HOST, ("origin", "http://evil.com")], Err(403)),
        // What a proxy of this host passes on, whatever it says of where it comes from.
        (open.clone(), HERE, "GET /read", vec![HOST, ("x-forwarded-for", "127.0.0.1")], Err(401)),
        (open.clone(), HERE, "GET /read", vec![HOST, ("forwarded", "for=127.0.0.1")], Err(401)),
        (open.clone(), THERE, "GET /read", vec![HOST, ("x-forwarded-for", "127.0.0.1")], Err(401)),
        (open.clone(), THERE, "GET /read", vec![HOST, ("x-real-ip", "::1")], Err(401)),
        // A token that is shown is checked, here too; other schemes are none.
        (open.clone(), HERE, "GET /read", vec![HOST, token(wrong)], Err(401)),
        (open.clone(), HERE, "GET /read", vec![HOST, token(write)], Err(403)),
        (open.clone(), HERE, "GET /read", vec![HOST, token("Basic YTpi")], Ok(nobody.clone())),
        // Other hosts.
        (open.clone(), THERE, "GET /read", vec![HOST], Err(401)),
        (open.clone(), "[::ffff:10.1.2.3]:4", "GET /read", vec![HOST], Err(401)),
        (open.clone(), THERE, "GET /read", vec![HOST, token(read)], Ok(id.clone())),
        (open.clone(), THERE, "GET /read", vec![token(read), ("host", "any.example.com")], Ok(id.clone())),
        (open.clone(), THERE, "GET /read", vec![HOST, token(write)], Err(403)),
        (open.clone(), THERE, "GET /write", vec![HOST, token(read)], Err(403)),
        (open.clone(), THERE, "GET /agent", vec![HOST, token(read)], Err(403)),
        (open.clone(), THERE, "GET /read", vec![HOST, token(wrong)], Err(401)),
        (open.clone(), THERE, "GET /read", vec![HOST, token("Bearer")], Err(401)),
        (open.clone(), THERE, "GET /read", vec![HOST, token("Bearer  ")], Err(401)),
        (open.clone(), THERE, "GET /read", vec![HOST, token("Basic YTpi")], Err(401)),
        (open.clone(), THERE, "GET /read", vec![HOST, token(read), token(read)], Err(401)),
        // A token has one place: not the path, which is written down everywhere.
        (open, THERE, "GET /read?token=weir_read_x&access_token=x", vec![HOST], Err(401)),
        // This host, where it may not either.
        (closed.clone(), HERE, "GET /read", vec![HOST], Err(401)),
        (closed, HERE, "GET /read", vec![HOST, token(read)], Ok(id.clone())),
        // Everybody may, but no other site's pages.
        (insecure.clone(), THERE, "GET /read", vec![HOST], Ok(nobody.clone())),
        (insecure.clone(), THERE, "GET /read", vec![("host", "10.0.0.1:7400")], Ok(nobody.clone())),
        (insecure.clone(), THERE, "GET /read", vec![("host", "weir.example.com")], Ok(nobody)),
        (insecure.clone(), THERE, "GET /read", vec![("host", "evil.com")], Err(421)),
        (insecure.clone(), THERE, "POST /read", vec![HOST, ("origin", "http://evil.com")], Err(403)),
        (insecure, THERE, "GET /read", vec![HOST, token(wrong)], Err(401)),
    ];
    for (config, peer, request, headers, expected) in cases {
        let (auth, _) = auth(config);
        let answer = ask(&router(&auth), peer, request, &headers).await;
        let told = match answer.status() {
            StatusCode::OK => Ok(String::from_utf8_lossy(answer.body()).into_owned()),
            status => {
                assert_eq!(answer.headers()["content-type"], "application/problem+json");
                Err(status.as_u16())
            }
        };
        assert_eq!(told, expected, "{peer} {request} {headers:?}");
        let challenged =
            matches!(expected, Err(401)) || answer.body().windows(5).any(|word| word == b"scope");
        assert_eq!(
            answer.headers().contains_key("www-authenticate"),
            challenged,
            "{peer} {request} {headers:?}"
        );
    }
}

/// Over HTTP/2 there is no `Host`: the target says who is asked.
#[test]
fn it_is_the_same_over_http_2() {
    let folder = tempfile::tempdir().unwrap();
    let (auth, _) = auth(config(folder.path()));
    let server = Server::new(Limits::default(), router(&auth));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let statuses = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
        let executor = hyper_util::rt::TokioExecutor::new();
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
        tokio::spawn(connection);
        let mut statuses = Vec::new();
        for (host, token) in [("localhost:7400", ""), ("evil.com", ""), ("localhost", "Bearer weir_read_x")] {
            let mut request =
                Request::builder().uri(format!("http://{host}/read")).body(Body::empty()).unwrap();
            if !token.is_empty() {
                request.headers_mut().insert("authorization", token.parse().unwrap());
            }
            statuses.push(sender.send_request(request).await.unwrap().status().as_u16());
        }
        statuses
    });
    assert_eq!(statuses, [200, 421, 401]);
}

#[tokio::test]
async fn grpc_is_told_in_its_own_way() {
    let folder = tempfile::tempdir().unwrap();
    let (read, _) = create(folder.path(), Scope::Read);
    let read = format!("Bearer {read}");
    let (auth, _) = auth(config(folder.path()));
    let router = router(&auth);
    let kind = ("content-type", "application/grpc+proto");
    let code = async |headers: &[(&str, &str)]| {
        let answer = ask(&router, THERE, "POST /write", headers).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/grpc");
        assert!(answer.body().is_empty());
        answer.headers()["grpc-status"].to_str().unwrap().to_owned()
    };
    assert_eq!(code(&[kind, HOST]).await, "16", "UNAUTHENTICATED");
    assert_eq!(code(&[kind, HOST, ("authorization", &read)]).await, "7", "PERMISSION_DENIED");
    for _ in 0..10 {
        assert_eq!(code(&[kind, HOST, ("authorization", "Bearer x")]).await, "16");
    }
    assert_eq!(code(&[kind, HOST, ("authorization", "Bearer x")]).await, "8", "RESOURCE_EXHAUSTED");
}

#[tokio::test]
async fn where_nobody_says_who_asks_nobody_is_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let (auth, _) = auth(config(folder.path()));
    let request = Request::builder().uri("/read").header("host", "localhost").body(Body::empty()).unwrap();
    assert_eq!(router(&auth).oneshot(request).await.unwrap().status(), 500);
}

#[test]
fn tokens_that_are_none_are_told_to_wait_and_those_that_are_right_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let (read, _) = create(folder.path(), Scope::Read);
    let (auth, _) = auth(Config { loopback: Loopback::Token, ..config(folder.path()) });
    let server = Server::new(Limits::default(), router(&auth));
    let ask = |token: &str| {
        server.ask(&format!("GET /read HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"))
    };
    for _ in 0..10 {
        let answer = ask("weir_read_x");
        assert_eq!((answer.status, &*answer.problem()), (401, "unauthenticated"));
    }
    let answer = ask("weir_read_x");
    assert_eq!((answer.status, &*answer.problem()), (429, "too-many-requests"));
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=7).contains(&wait), "{wait}");
    assert_eq!(ask(&read).status, 200);
    assert_eq!(ask(&"x".repeat(10_000)).status, 429);
    let refused = auth.refused();
    assert_eq!((refused.unauthenticated, refused.too_many), (10, 2));
}

#[test]
fn a_token_is_good_at_once_and_revoked_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let (auth, said) = auth(Config { loopback: Loopback::Token, ..config(&folder.path().join("state")) });
    let endless = get(|| async {
        let pieces = tokio_stream::iter(0..).then(async |_| {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok::<_, std::io::Error>(Bytes::from_static(b"x\n"))
        });
        Body::from_stream(pieces)
    });
    let live = auth.guard(Router::new().route("/live", endless), Scope::Read);
    let server = Server::new(Limits::default(), router(&auth).merge(live));
    let state = folder.path().join("state");
    let (read, id) = create(&state, Scope::Read);
    let request = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: bearer {read}\r\n\r\n")
    };
    let status = || server.ask(&request("/read")).status;
    let began = Instant::now();
    until("it is noticed", || status() == 200);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let mut live = server.connect();
    live.send(request("/live").as_bytes());
    assert_eq!(live.answer().unwrap().status, 200);

    TokenFile::new(&state).revoke(&id, Moment::now()).unwrap();
    let revoked = Instant::now();
    until("it is noticed", || status() != 200);
    assert!(revoked.elapsed() < Duration::from_secs(1), "{:?}", revoked.elapsed());
    // What was being answered has ended, without an end.
    assert!(!live.rest().ends_with(b"0\r\n\r\n"));
    assert!(revoked.elapsed() < Duration::from_secs(2), "{:?}", revoked.elapsed());
    assert!(matches!(TokenFile::new(&state).revoke(&id, Moment::now()), Err(FileError::Revoked(..))));
    assert!(matches!(TokenFile::new(&state).revoke("none", Moment::now()), Err(FileError::Unknown(_))));
    let said = said.lock().unwrap().join("\n");
    assert_eq!(said.matches("\"act\":\"tokens.read\"").count(), 2, "{said}");
    assert!(!said.contains(&read), "{said}");
    // When it was used last, to the minute, is kept.
    drop((server, auth));
    let used = server::auth::last_used(&state)[&id];
    assert!((0..120).contains(&(Moment::now().0 - used)), "{used}");
}

#[test]
fn a_token_expires() {
    let folder = tempfile::tempdir().unwrap();
    let now = Moment::now();
    let file = TokenFile::new(folder.path());
    let (secret, _) = file.create(Scope::Read, "short", Some(now.after(2)), now).unwrap();
    let (auth, _) = auth(Config { loopback: Loopback::Token, ..config(folder.path()) });
    let server = Server::new(Limits::default(), router(&auth));
    let request =
        format!("GET /read HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n", secret.as_str());
    assert_eq!(server.ask(&request).status, 200);
    until("it expires", || server.ask(&request).status != 200);
}

#[test]
fn the_file_is_for_its_owner_and_holds_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = TokenFile::new(folder.path().join("a/b"));
    assert!(file.read().unwrap().records.is_empty());
    let (secret, record) = file.create(Scope::Agent, "host 1", None, Moment::now()).unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    assert!(!text.contains(secret.as_str().rsplit_once('_').unwrap().1), "{text}");
    for file in fs::read_dir(folder.path().join("a/b")).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
    assert_eq!(file.read().unwrap().records, [record]);
    for name in ["", "  ", "a\nb", "\u{1b}[2J", &"x".repeat(101)] {
        assert!(
            matches!(file.create(Scope::Read, name, None, Moment::now()), Err(FileError::Name)),
            "{name:?}"
        );
    }
}

#[test]
fn two_who_make_tokens_do_not_lose_any() {
    let folder = tempfile::tempdir().unwrap();
    let makers: Vec<_> = (0..8)
        .map(|_| {
            let file = TokenFile::new(folder.path());
            std::thread::spawn(move || {
                for _ in 0..10 {
                    file.create(Scope::Read, "one", None, Moment::now()).unwrap();
                }
            })
        })
        .collect();
    makers.into_iter().for_each(|maker| maker.join().unwrap());
    let content = TokenFile::new(folder.path()).read().unwrap();
    assert_eq!(content.records.len(), 80);
    assert_eq!(content.damaged, None);
}

#[test]
fn a_damaged_file_lets_in_only_whom_it_names_and_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (good, _) = create(folder.path(), Scope::Read);
    let file = TokenFile::new(folder.path());
    let text = fs::read_to_string(file.path()).unwrap();
    let (auth, said) = auth(Config { loopback: Loopback::Token, ..config(folder.path()) });
    let server = Server::new(Limits::default(), router(&auth));
    let status = || {
        server
            .ask(&format!("GET /read HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {good}\r\n\r\n"))
            .status
    };
    assert_eq!(status(), 200);
    fs::write(file.path(), format!("{text}{{\"id\":\"x\"}}\n")).unwrap();
    until("it is told", || {
        assert_eq!(status(), 200);
        said.lock().unwrap().iter().any(|line| line.contains(":2 is no token"))
    });
    assert!(matches!(file.create(Scope::Read, "new", None, Moment::now()), Err(FileError::Damaged(_, 2, _))));
    // A folder in its place cannot be read: nobody is let in.
    fs::remove_file(file.path()).unwrap();
    fs::create_dir(file.path()).unwrap();
    until("nobody is let in", || status() != 200);
    fs::remove_dir(file.path()).unwrap();
    fs::write(file.path(), &text).unwrap();
    until("it is as it was", || status() == 200);
}

#[test]
fn there_are_only_so_many_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let file = TokenFile::new(folder.path());
    let (_, record) = file.create(Scope::Read, "one", None, Moment::now()).unwrap();
    let line = fs::read_to_string(file.path()).unwrap();
    let lines: String = (0..1000).map(|index| line.replace(&record.id, &format!("{index:08}"))).collect();
    fs::write(file.path(), lines).unwrap();
    assert!(matches!(file.create(Scope::Read, "more", None, Moment::now()), Err(FileError::TooMany)));
    file.revoke("00000007", Moment::now()).unwrap();
    file.create(Scope::Read, "more", None, Moment::now()).unwrap();
}
