//! Canisters saved in files.

use camino::{Utf8Path, Utf8PathBuf};

use super::*;

fn path(dir: &tempfile::TempDir) -> Utf8PathBuf {
    Utf8Path::from_path(dir.path()).unwrap().join("canister.state")
}

fn load(path: &Utf8Path) -> anyhow::Result<Canister> {
    Canister::load(path, Settings::default(), &Host::without_cache().unwrap())
}

#[test]
fn canister_continues_from_its_file() {
    let module = counter(
        r#"(func (export "canister_update stable")
            (drop (call $sgrow (i64.const 3)))
            (call $swrite (i64.const 65535) (i64.const 100) (i64.const 4))
            (drop (call $timer (i64.const 99)))
            call $reply_state)
        (func (export "canister_query back")
            (call $sread (i64.const 10) (i64.const 65535) (i64.const 4))
            (call $append (i32.const 10) (i32.const 4)) (call $reply))"#,
    );
    let dir = tempfile::tempdir().unwrap();
    let mut canister = installed(&module);
    canister.set_time(42).unwrap();
    update(&mut canister, "inc");
    update(&mut canister, "stable");
    canister.save(&path(&dir)).unwrap();
    let mut again = load(&path(&dir)).unwrap();
    assert_eq!(reply(&query(&mut again, "read")), [1, 1, 3]);
    assert_eq!(reply(&query(&mut again, "back")), b"help");
    assert_eq!((again.settings().time, again.timer()), (42, Some(99)));
    assert_eq!(again.module().unwrap().digest(), module.digest());
    // Saving the loaded canister produces an identical file.
    let first = std::fs::read(path(&dir)).unwrap();
    again.save(&path(&dir)).unwrap();
    assert_eq!(std::fs::read(path(&dir)).unwrap(), first);
}

#[test]
fn invalid_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = path(&dir);
    installed(&counter("")).save(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let refused = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        format!("{:#}", load(&path).unwrap_err())
    };
    assert!(refused(&whole[..whole.len() - 1]).contains("truncated"));
    assert!(refused(&whole[..20]).contains("truncated"));
    assert!(refused(b"something else").contains("not a saved canister"));
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(refused(&changed).contains("was modified"));
    let mut newer = whole.clone();
    newer[16] = 9;
    assert!(refused(&newer).contains("format version 9, but this tool supports version 1"));
}

#[test]
fn failed_save_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let gone = path(&dir).join("below/a/file");
    assert!(installed(&counter("")).save(&gone).is_err());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
