//! Tests that downloads from faulty and hostile servers result in the pinned file or an error.

use pywasm_recipes::CpythonPin;
use pywasm_session::{Reporter, cause_of};
use pywasm_store::Bucket;
use pywasm_store::fetch::{FetchError, Location, Retries, Verified, Wanted, fetch_with, locations};
use pywasm_tests::{Answer, Fresh, Server, skip, wanted};

const BODY: &[u8] = b"the bytes that upstream published, all of them";

fn fetch(wanted: &Wanted, urls: &[String], fresh: &Fresh) -> anyhow::Result<Verified> {
    let locations: Vec<Location> =
        urls.iter().map(|url| Location::new("test", url.clone())).collect();
    fetch_with(wanted, &locations, &fresh.ctx, &Retries::without_pauses(2))
}

/// Returns the error from a fetch, and the text that the user sees.
fn error_of(result: anyhow::Result<Verified>) -> (anyhow::Error, String) {
    let error = result.expect_err("an error");
    let reporter = Reporter::captured();
    reporter.error(&error);
    (error, reporter.lines().join("\n"))
}

fn cause(error: &anyhow::Error) -> &FetchError {
    cause_of(error).expect("a FetchError")
}

fn downloads(fresh: &Fresh) -> Vec<String> {
    fresh.ctx.store.keys(Bucket::Downloads).unwrap()
}

#[test]
fn file_is_downloaded_once() {
    let server = Server::start().answer("/f", Answer::File(BODY.to_vec()));
    let fresh = Fresh::new(&[]);
    let want = wanted("f", BODY);
    let first = fetch(&want, &[server.url("/f")], &fresh).unwrap();
    assert_eq!(std::fs::read(first.path()).unwrap(), BODY);
    assert_eq!(fetch(&want, &[server.url("/f")], &fresh).unwrap().from(), "store");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn truncated_download_resumes() {
    let server = Server::start()
        .answer("/f", Answer::Broken(BODY.to_vec(), 10))
        .answer("/f", Answer::File(BODY.to_vec()));
    let fresh = Fresh::new(&[]);
    let got = fetch(&wanted("f", BODY), &[server.url("/f")], &fresh).unwrap();
    assert_eq!(std::fs::read(got.path()).unwrap(), BODY);
    assert_eq!(server.requests(), ["GET /f", "GET /f from 10"]);
}

#[test]
fn ignored_range_restarts_download() {
    let server = Server::start()
        .answer("/f", Answer::Broken(BODY.to_vec(), 10))
        .answer("/f", Answer::Whole(BODY.to_vec()));
    let fresh = Fresh::new(&[]);
    let got = fetch(&wanted("f", BODY), &[server.url("/f")], &fresh).unwrap();
    assert_eq!(std::fs::read(got.path()).unwrap(), BODY);
}

#[test]
fn resumed_download_is_hashed_completely() {
    let mut other = BODY.to_vec();
    other[3] ^= 1;
    let server = Server::start()
        .answer("/f", Answer::Broken(other, 10))
        .answer("/f", Answer::File(BODY.to_vec()));
    let fresh = Fresh::new(&[]);
    // The first response is wrong in its first ten bytes. The fetch may fail or start again, but
    // must not accept a file that contains these bytes.
    if let Ok(got) = fetch(&wanted("f", BODY), &[server.url("/f")], &fresh) {
        assert_eq!(std::fs::read(got.path()).unwrap(), BODY);
    }
}

#[test]
fn wrong_digest_stops_the_search() {
    let mut other = BODY.to_vec();
    other[0] ^= 1;
    let server = Server::start()
        .answer("/bad", Answer::File(other.clone()))
        .answer("/good", Answer::File(BODY.to_vec()));
    let fresh = Fresh::new(&[]);
    let want = wanted("f", BODY);
    let urls = [server.url("/bad"), server.url("/good")];
    let (error, text) = error_of(fetch(&want, &urls, &fresh));
    assert!(matches!(cause(&error), FetchError::WrongDigest { .. }), "{text}");
    for part in ["`f`", &want.sha256.to_string(), &wanted("f", &other).sha256.to_string(), &urls[0]]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(server.requests(), ["GET /bad"], "the next location must not be tried");
    assert!(downloads(&fresh).is_empty(), "{:?}", downloads(&fresh));
}

#[test]
fn body_longer_than_pinned_is_refused() {
    let server = Server::start().answer("/f", Answer::File([BODY, BODY].concat()));
    let fresh = Fresh::new(&[]);
    let (error, text) = error_of(fetch(&wanted("f", BODY), &[server.url("/f")], &fresh));
    assert!(matches!(cause(&error), FetchError::WrongSize { .. }), "{text}");
    assert!(downloads(&fresh).is_empty());
}

#[test]
fn not_found_is_not_retried() {
    let server = Server::start().answer("/b", Answer::File(BODY.to_vec()));
    let fresh = Fresh::new(&[]);
    let urls = [server.url("/a"), server.url("/b")];
    assert_eq!(fetch(&wanted("f", BODY), &urls, &fresh).unwrap().from(), urls[1]);
    assert_eq!(server.requests(), ["GET /a", "GET /b"]);
}

#[test]
fn busy_server_is_retried() {
    let server = Server::start()
        .answer("/f", Answer::Status(503))
        .answer("/f", Answer::Status(429))
        .answer("/f", Answer::File(BODY.to_vec()));
    let fresh = Fresh::new(&[]);
    fetch(&wanted("f", BODY), &[server.url("/f")], &fresh).unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn failure_lists_every_location() {
    let server = Server::start().answer("/b", Answer::Status(500));
    let fresh = Fresh::new(&[]);
    let urls = [server.url("/a"), server.url("/b"), "http://host.invalid/c".to_owned()];
    let (error, text) = error_of(fetch(&wanted("f", BODY), &urls, &fresh));
    assert!(matches!(cause(&error), FetchError::Unavailable { .. }));
    for part in ["404", "500", &urls[0], &urls[1], &urls[2]] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn unknown_host_is_not_retried() {
    let fresh = Fresh::new(&[]);
    let _ = fetch(&wanted("f", BODY), &["http://host.invalid/f".to_owned()], &fresh);
    let lines = fresh.ctx.reporter.lines();
    assert!(!lines.iter().any(|line| line.contains("Retrying")), "{lines:?}");
}

#[test]
fn offline_names_the_missing_file() {
    let server = Server::start().answer("/f", Answer::File(BODY.to_vec()));
    let mut fresh = Fresh::new(&[]);
    fresh.ctx.offline = true;
    let want = wanted("f.tar.xz", BODY);
    let (error, text) = error_of(fetch(&want, &[server.url("/f")], &fresh));
    assert!(matches!(cause(&error), FetchError::Offline { .. }));
    for part in ["f.tar.xz", &want.sha256.to_string()] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn corrupt_file_is_downloaded_again() {
    let server = Server::start().answer("/f", Answer::File(BODY.to_vec()));
    let fresh = Fresh::new(&[]);
    let want = wanted("f", BODY);
    let path = fresh.ctx.store.download(&want.sha256, "f");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "rot").unwrap();
    let got = fetch(&want, &[server.url("/f")], &fresh).unwrap();
    assert_eq!(std::fs::read(got.path()).unwrap(), BODY);
    assert!(fresh.ctx.reporter.lines().iter().any(|line| line.contains("corrupt")));
}

#[test]
fn copied_downloads_are_a_mirror() {
    let server = Server::start().answer("/f", Answer::File(BODY.to_vec()));
    let one = Fresh::new(&[]);
    let want = wanted("f", BODY);
    fetch(&want, &[server.url("/f")], &one).unwrap();
    let mirror = format!("file://{}", one.ctx.store.bucket(Bucket::Downloads));

    let two = Fresh::new(&[("PYWASM_MIRROR", &mirror)]);
    let locations = pywasm_store::fetch::mirror_locations(&want, &two.ctx.env);
    fetch_with(&want, &locations, &two.ctx, &Retries::without_pauses(0)).unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn pin_has_every_source() {
    let pin = CpythonPin::resolve("3.13.15".parse().unwrap()).unwrap();
    let server = Server::start();
    let base = server.url("/upstream");
    let env = Fresh::new(&[("PYWASM_UPSTREAM", &base)]);
    let archives = [server.url("/debian")];
    let urls: Vec<String> =
        locations(&pin.source, &env.ctx.env, &archives).into_iter().map(|it| it.url).collect();
    assert_eq!(urls[0], format!("{base}/www.python.org/ftp/python/3.13.15/Python-3.13.15.tar.xz"));
    let pool = "/pool/main/p/python3.13/python3.13_3.13.15.orig.tar.xz";
    assert_eq!(urls.last().unwrap(), &format!("{}{pool}", archives[0]));
}

#[test]
fn proxy_and_its_exceptions_apply() {
    let proxy = Server::start().answer("/f", Answer::File(BODY.to_vec()));
    let variable = proxy.url("");
    let fresh = Fresh::new(&[("HTTP_PROXY", &variable)]);
    fetch(&wanted("f", BODY), &["http://mirror.example/f".to_owned()], &fresh).unwrap();
    assert_eq!(proxy.requests(), ["CONNECT mirror.example:80", "GET /f"]);

    let direct = Server::start().answer("/f", Answer::File(BODY.to_vec()));
    let fresh = Fresh::new(&[("HTTP_PROXY", &variable), ("NO_PROXY", "127.0.0.1")]);
    fetch(&wanted("f", BODY), &[direct.url("/f")], &fresh).unwrap();
    assert_eq!(direct.requests().len(), 1);
}

#[test]
fn redirect_is_followed() {
    let server = Server::start().answer("/real", Answer::File(BODY.to_vec()));
    let front = Server::start().answer("/f", Answer::Redirect(server.url("/real")));
    let fresh = Fresh::new(&[]);
    fetch(&wanted("f", BODY), &[front.url("/f")], &fresh).unwrap();
}

#[test]
fn unwritable_store_is_an_error() {
    let server = Server::start().answer("/f", Answer::File(BODY.to_vec()));
    let fresh = Fresh::new(&[]);
    // There is a file at the store's path, so even root cannot create a directory there.
    std::fs::write(fresh.root().join("store"), "in the way").unwrap();
    let (_, text) = error_of(fetch(&wanted("f", BODY), &[server.url("/f")], &fresh));
    assert!(text.contains("store") && text.contains("hint: "), "{text}");
}

/// A 256 KB file system, which is unmounted on drop.
struct SmallDisk(camino::Utf8PathBuf);

impl SmallDisk {
    fn mount(at: &camino::Utf8Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let options = ["-t", "tmpfs", "-o", "size=256k", "none", at.as_str()];
        let mounted = std::process::Command::new("mount").args(options).output().ok()?;
        mounted.status.success().then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn full_disk_has_a_hint() {
    let body = vec![7; 1 << 20];
    let server = Server::start().answer("/f", Answer::File(body.clone()));
    let fresh = Fresh::new(&[]);
    let Some(_disk) = SmallDisk::mount(&fresh.root().join("store")) else {
        return skip("mounting a small tmpfs needs root");
    };
    let (_, text) = error_of(fetch(&wanted("f", &body), &[server.url("/f")], &fresh));
    for part in ["cannot write", "downloads-v0", "hint: ", "PYWASM_STORE"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn concurrent_downloads_share_one_request() {
    let server = Server::start().answer("/f", Answer::File(BODY.to_vec()));
    let fresh = Fresh::new(&[]);
    let (want, urls) = (wanted("f", BODY), [server.url("/f")]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| fetch(&want, &urls, &fresh).unwrap());
        }
    });
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn name_outside_the_store_is_refused() {
    let fresh = Fresh::new(&[]);
    let (error, _) = error_of(fetch(&wanted("../../evil", BODY), &[], &fresh));
    assert!(matches!(cause(&error), FetchError::BadName(_)));
}
