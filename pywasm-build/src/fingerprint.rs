//! The hash that shows whether a Cargo.toml has changed.

/// Returns the 64-bit FNV-1a hash of a Cargo.toml as 16 hexadecimal digits, as recorded in
/// `.pywasm/project.json`.
///
/// The tool records the hash next to the file's SHA-256 digest. Build scripts compare the hash,
/// because an implementation of SHA-256 would add ten dependencies. The comparison detects stale
/// settings and is not a security check: an edit does not produce the same hash by accident, and an
/// attacker who can edit Cargo.toml can also edit build.rs.
///
/// Source: <http://www.isthe.com/chongo/tech/comp/fnv/>.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> String {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash =
        bytes.iter().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn test_vectors_of_fnv_match() {
        for (text, hash) in
            [("", "cbf29ce484222325"), ("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8")]
        {
            assert_eq!(fingerprint(text.as_bytes()), hash);
        }
    }
}
