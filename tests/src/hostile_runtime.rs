//! The readers of untrusted files for canisters and snapshots. They are not in
//! [`hostile`](crate::hostile), because they need the runtime, which the fuzzer is built without.

use std::sync::LazyLock;

use pywasm_canister::{Canister, Host, Interface, Settings, text};
use pywasm_snapshot::Form;
use sha2::{Digest, Sha256};

use crate::hostile::Reader;

/// All readers by name.
pub const READERS: [(&str, Reader); 4] =
    [("interface", interface), ("argument", argument), ("state", state), ("form", form)];

/// Reads a canister's interface and compares it with itself.
pub fn interface(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(interface) = Interface::parse(text)
    {
        let _ = interface.incompatibilities(&interface);
    }
}

/// Decides whether a snapshot of a wasm module can be created.
pub fn form(bytes: &[u8]) {
    for init in [None, Some("init")] {
        let _ = Form::of(bytes, init);
    }
}

/// Encodes an argument, and decodes it back to text.
pub fn argument(bytes: &[u8]) {
    if let Ok(given) = std::str::from_utf8(bytes)
        && let Ok(encoded) = text::encode_untyped(given)
    {
        let _ = text::decode(&encoded, None);
    }
    let _ = text::decode(bytes, None);
}

/// Reads a canister's saved state. Corrects the digest first, because a state with a wrong digest
/// is refused without being read.
pub fn state(bytes: &[u8]) {
    static HOST: LazyLock<Host> = LazyLock::new(|| Host::without_cache().expect("a host"));
    // The digest follows the magic number and the format version.
    const DIGEST: std::ops::Range<usize> = 20..52;
    let mut bytes = bytes.to_vec();
    if let Some(body) = bytes.get(DIGEST.end..) {
        let digest = Sha256::digest(body);
        bytes[DIGEST].copy_from_slice(&digest);
    }
    let dir = tempfile::tempdir().expect("a directory");
    let path = crate::utf8(dir.path()).join("state");
    std::fs::write(&path, bytes).expect("a file");
    let _ = Canister::load(&path, Settings::default(), &HOST);
}
