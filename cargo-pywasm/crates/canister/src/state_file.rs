//! Saves a canister in a file, so that the next command can continue with its state.
//!
//! ```text
//! "pywasm canister"  format version  SHA-256 of the rest
//! length of the header, then the header in JSON: all small values, and the lengths of the rest
//! the module, then the pages of the heap and of the stable memory that are not all zeros
//! ```
//! Numbers are little-endian. A file with a different format version is refused.

use std::io::{Read, Write};
use std::sync::Arc;

use anyhow::Context;
use camino::Utf8Path;
use candid::Principal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::canister::{Canister, State};
use super::execute::{Image, Scalar};
use super::host::Host;
use super::settings::Settings;
use super::stable::{PAGE, Stable};
use super::system::Durable;
use pywasm_session::WithHint;

const MAGIC: &[u8] = b"pywasm canister\n";
const FORMAT: u32 = 1;
const DIGEST: usize = 32;

/// The header: all small values, and the lengths of the parts that follow.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    id: String,
    controllers: Vec<String>,
    time: u64,
    seed: [u8; 32],
    timer: u64,
    version: u64,
    randoms: u64,
    /// The cycles as text, because JSON does not support 128-bit numbers.
    cycles: String,
    certified: Vec<u8>,
    globals: Vec<(String, String)>,
    module: Option<u64>,
    heap: u64,
    heap_pages: u64,
    stable: u64,
    stable_pages: u64,
}

impl Canister {
    /// Writes the canister to a file atomically.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Utf8Path) -> anyhow::Result<()> {
        let body = self.body()?;
        let parent = path.parent().filter(|parent| !parent.as_str().is_empty());
        let dir = parent.unwrap_or(Utf8Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(dir)
            .with_context(|| format!("cannot write in `{dir}`"))?;
        let parts = [MAGIC, &FORMAT.to_le_bytes(), &Sha256::digest(&body)[..], &body];
        for part in parts {
            file.write_all(part).with_context(|| format!("cannot write `{path}`"))?;
        }
        file.as_file().sync_all().with_context(|| format!("cannot write `{path}`"))?;
        file.persist(path).with_context(|| format!("cannot write `{path}`"))?;
        Ok(())
    }

    /// Reads a canister from a file. `settings` provides only the limits.
    ///
    /// # Errors
    /// When the file is not a saved canister, has a different format version, or is truncated or
    /// modified.
    pub fn load(path: &Utf8Path, settings: Settings, host: &Host) -> anyhow::Result<Self> {
        let bytes = fs_err::read(path)?;
        Self::of_bytes(&bytes, settings, host)
            .with_context(|| format!("cannot continue from the state in `{path}`"))
            .hint(|| "start again with `--reinstall`, or choose another file".to_owned())
    }

    /// Returns true if the file was written by [`Canister::save`], whatever its format version or
    /// content.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn is_saved_in(path: &Utf8Path) -> anyhow::Result<bool> {
        let mut begin = Vec::new();
        fs_err::File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut begin)?;
        Ok(begin == MAGIC)
    }

    fn body(&self) -> anyhow::Result<Vec<u8>> {
        let State { image, durable } = &self.state;
        let zero = [0; PAGE];
        let heap: Vec<(u64, &[u8])> = image
            .memory
            .chunks(PAGE)
            .enumerate()
            .filter(|(_, page)| *page != &zero[..page.len()])
            .map(|(index, page)| (index as u64, page))
            .collect();
        let stable = durable.stable.written();
        let module = self.module.as_ref();
        let header = Header {
            id: self.settings.id.to_text(),
            controllers: self.settings.controllers.iter().map(Principal::to_text).collect(),
            time: self.settings.time,
            seed: self.settings.seed,
            timer: durable.timer,
            version: durable.version,
            randoms: durable.randoms,
            cycles: durable.cycles.to_string(),
            certified: durable.certified.clone(),
            globals: image.globals.iter().map(encode_global).collect(),
            module: module.map(|module| module.bytes().len() as u64),
            heap: image.memory.len() as u64,
            heap_pages: heap.len() as u64,
            stable: durable.stable.size(),
            stable_pages: stable.len() as u64,
        };
        let header = serde_json::to_vec(&header)?;
        let mut body = (header.len() as u64).to_le_bytes().to_vec();
        body.extend(header);
        body.extend(module.map(super::host::Module::bytes).unwrap_or_default());
        let stable = stable.map(|(index, page)| (index, &page[..]));
        for (index, page) in heap.into_iter().chain(stable) {
            body.extend(index.to_le_bytes());
            body.extend(page);
        }
        Ok(body)
    }

    fn of_bytes(bytes: &[u8], settings: Settings, host: &Host) -> anyhow::Result<Self> {
        let mut rest = Reader(bytes);
        anyhow::ensure!(
            rest.take(MAGIC.len()).is_ok_and(|it| it == MAGIC),
            "it is not a saved canister"
        );
        let format = u32::from_le_bytes(rest.array()?);
        anyhow::ensure!(
            format == FORMAT,
            "it has format version {format}, but this tool supports version {FORMAT}"
        );
        let digest: [u8; DIGEST] = rest.array()?;
        anyhow::ensure!(
            Sha256::digest(rest.0)[..] == digest,
            "it is truncated or was modified: its SHA-256 does not match its content"
        );
        let size = rest.number()?;
        let header: Header = serde_json::from_slice(rest.take_u64(size)?)?;
        let module = header.module.map(|size| host.module(rest.take_u64(size)?)).transpose()?;
        let limits = settings.limits;
        let fits = header.heap <= limits.heap && header.stable <= limits.stable_pages;
        anyhow::ensure!(fits, "its heap or stable memory exceeds the limit");
        let mut memory = vec![0; usize::try_from(header.heap)?];
        for _ in 0..header.heap_pages {
            let index = rest.number()?;
            let at = usize::try_from(index)?.checked_mul(PAGE).context("invalid page index")?;
            let end = at.checked_add(PAGE).context("invalid page index")?;
            let to = memory.get_mut(at..end).context("a page is outside the heap")?;
            to.copy_from_slice(rest.take(PAGE)?);
        }
        let mut stable = Stable::default();
        stable.grow(header.stable, limits.stable_pages);
        for _ in 0..header.stable_pages {
            let at = rest.number()?.checked_mul(PAGE as u64).context("invalid page index")?;
            stable.write(at, rest.take(PAGE)?).map_err(anyhow::Error::msg)?;
        }
        let globals: Option<Vec<Scalar>> = header.globals.iter().map(decode_global).collect();
        let globals = globals.context("a global has an invalid value")?;
        let count = module.as_ref().map_or(0, |module| module.globals().len());
        anyhow::ensure!(globals.len() == count, "its globals do not match its module");
        let durable = Durable {
            stable,
            certified: header.certified,
            timer: header.timer,
            cycles: header.cycles.parse()?,
            randoms: header.randoms,
            version: header.version,
        };
        let controllers: Result<_, _> =
            header.controllers.iter().map(Principal::from_text).collect();
        let settings = Settings {
            id: Principal::from_text(&header.id)?,
            controllers: controllers?,
            time: header.time,
            seed: header.seed,
            ..settings
        };
        let state = State { image: Arc::new(Image { memory, globals }), durable };
        Ok(Self { settings, module, state })
    }
}

/// Returns the type and the exact value of a global as text.
fn encode_global(value: &Scalar) -> (String, String) {
    let (ty, value) = match value {
        Scalar::I32(value) => ("i32", value.to_string()),
        Scalar::I64(value) => ("i64", value.to_string()),
        Scalar::F32(bits) => ("f32", bits.to_string()),
        Scalar::F64(bits) => ("f64", bits.to_string()),
        Scalar::V128(value) => ("v128", value.to_string()),
    };
    (ty.to_owned(), value)
}

fn decode_global((ty, value): &(String, String)) -> Option<Scalar> {
    Some(match ty.as_str() {
        "i32" => Scalar::I32(value.parse().ok()?),
        "i64" => Scalar::I64(value.parse().ok()?),
        "f32" => Scalar::F32(value.parse().ok()?),
        "f64" => Scalar::F64(value.parse().ok()?),
        "v128" => Scalar::V128(value.parse().ok()?),
        _ => return None,
    })
}

/// The part of the file that has not been read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> anyhow::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).context("it is truncated")?;
        self.0 = rest;
        Ok(taken)
    }

    fn take_u64(&mut self, len: u64) -> anyhow::Result<&'a [u8]> {
        self.take(usize::try_from(len)?)
    }

    fn array<const N: usize>(&mut self) -> anyhow::Result<[u8; N]> {
        Ok(self.take(N)?.try_into()?)
    }

    fn number(&mut self) -> anyhow::Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }
}
