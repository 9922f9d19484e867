//! Unpacks a wheel into a directory of the store.

use std::fmt;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_session::WithHint;
use pywasm_store::fetch::Verified;
use pywasm_store::unpack::{Limits, unpack_zip};
use pywasm_store::{Bucket, Ctx};

use super::{WheelName, check_record};

/// The largest wheel, unpacked, and the largest number of files in one. The largest wheels of pure
/// packages unpack to 100 MB.
const LIMITS: Limits = Limits { max_bytes: 1 << 30, max_entries: 50_000, max_ratio: 200 };

/// The reason why the content of a wheel is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hostile {
    /// There is no RECORD.
    NoRecord,
    /// RECORD is not valid.
    BadRecord(String),
    /// A file that RECORD does not list.
    NotInRecord(Utf8PathBuf),
    /// A file whose digest is not the one in RECORD.
    WrongDigest(Utf8PathBuf),
    /// RECORD lists a file that does not exist.
    Missing(Utf8PathBuf),
    /// Two files of the wheel are for the same path.
    Twice(Utf8PathBuf),
    /// A data file that would be installed into the standard library.
    InStdlib(Utf8PathBuf),
    /// The name of the directory with metadata is not that of the wheel.
    OtherPackage(String),
}

impl fmt::Display for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRecord => f.write_str("it has no RECORD"),
            Self::BadRecord(reason) => write!(f, "its RECORD is not valid: {reason}"),
            Self::NotInRecord(path) => write!(f, "its RECORD does not list `{path}`"),
            Self::WrongDigest(path) => {
                write!(f, "`{path}` does not have the digest that is in RECORD")
            }
            Self::Missing(path) => write!(f, "its RECORD lists `{path}`, which does not exist"),
            Self::Twice(path) => write!(f, "it contains two files for the path `{path}`"),
            Self::InStdlib(path) => {
                write!(f, "it would install `{path}` into the standard library")
            }
            Self::OtherPackage(found) => write!(f, "its metadata is in `{found}`"),
        }
    }
}

impl std::error::Error for Hostile {}

/// Unpacks a wheel to `target`, unless it is there. Files for the directories `purelib` and
/// `platlib` are at the top. Scripts and headers are left out, because a wasm module has no use for
/// them.
///
/// # Errors
/// When the wheel is refused or cannot be written.
pub(crate) fn unpack(
    wheel: &Verified,
    name: &WheelName,
    target: &Utf8Path,
    ctx: &Ctx,
) -> anyhow::Result<()> {
    let scratch = ctx.store.stage(Bucket::Packages)?;
    unpack_zip(wheel, scratch.path(), &LIMITS)?;
    let files = files_below(scratch.path(), Utf8Path::new(""))?;
    let refused = || format!("the wheel `{name}` is refused");
    let metadata = metadata(&files, name).with_context(refused)?;
    check_record(scratch.path(), &files, &metadata.join("RECORD"))
        .with_context(refused)
        .hint(|| "the wheel was built by a faulty tool or changed later; report it".to_owned())?;
    let data = format!("{}.data", metadata.as_str().trim_end_matches(".dist-info"));
    let stage = ctx.store.stage(Bucket::Packages)?;
    let mut left = Vec::new();
    for file in &files {
        match place(file, &data).with_context(refused)? {
            Place::Library(at) => {
                let to = stage.path().join(&at);
                if to.symlink_metadata().is_ok() {
                    return Err(Hostile::Twice(at)).with_context(refused);
                }
                let parent = to.parent().unwrap_or(stage.path());
                fs_err::create_dir_all(parent).with_context(refused)?;
                fs_err::rename(scratch.path().join(file), &to)?;
            }
            Place::Prefix(at) => left.push(at),
            Place::None => {}
        }
    }
    if let Some(first) = left.first() {
        ctx.reporter.note(format!(
            "`{name}` has {} files outside of its Python packages, such as `{first}`, which are not \
             embedded",
            left.len()
        ));
    }
    stage.commit(target)
}

/// The place of a file of a wheel when it is installed.
enum Place {
    /// A path in the directory of packages.
    Library(Utf8PathBuf),
    /// A path relative to Python's prefix, such as `share/man`.
    Prefix(Utf8PathBuf),
    /// The file is not needed.
    None,
}

fn place(file: &Utf8Path, data: &str) -> Result<Place, Hostile> {
    let Ok(below) = file.strip_prefix(data) else { return Ok(Place::Library(file.to_owned())) };
    let mut components = below.components();
    let kind = components.next().map(|kind| kind.as_str().to_owned()).unwrap_or_default();
    let rest = components.as_path().to_owned();
    match kind.as_str() {
        "purelib" | "platlib" => Ok(Place::Library(rest)),
        "data" => {
            let mut names = rest.components().map(|it| it.as_str());
            let is_library = names.next().is_some_and(|it| it.starts_with("lib"))
                && names.next().is_some_and(|it| it.starts_with("python"));
            if is_library { Err(Hostile::InStdlib(rest)) } else { Ok(Place::Prefix(rest)) }
        }
        _ => Ok(Place::None),
    }
}

/// Returns the name of the directory with the wheel's metadata.
fn metadata(files: &[Utf8PathBuf], name: &WheelName) -> Result<Utf8PathBuf, Hostile> {
    let tops = files.iter().filter_map(|file| file.components().next().map(|it| it.as_str()));
    let mut found: Vec<&str> = tops.filter(|top| top.ends_with(".dist-info")).collect();
    found.dedup();
    let [directory] = found[..] else { return Err(Hostile::NoRecord) };
    let package = directory.trim_end_matches(".dist-info").split('-').next().unwrap_or_default();
    if crate::Name::new(package) != *name.name() {
        return Err(Hostile::OtherPackage(directory.to_owned()));
    }
    Ok(Utf8PathBuf::from(directory))
}

/// Returns the files below a directory, sorted, relative to it.
fn files_below(root: &Utf8Path, below: &Utf8Path) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let mut files = Vec::new();
    for entry in root.join(below).read_dir_utf8()? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            files.extend(files_below(root, &path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
