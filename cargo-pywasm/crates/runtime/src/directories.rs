//! Lists directories for programs, in place of wasmtime's `fd_readdir`.
//!
//! wasmtime's function fails for a whole directory if one name in it is not UTF-8, because WASI
//! names are UTF-8. It also reads the whole directory again in each call, and looks up each entry
//! twice, so that a directory of 20,000 files takes half a minute (wasmtime issue 14348). This one
//! reads a directory once per listing, and omits the names that no program could open.

use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use cap_primitives::ambient_authority;
use cap_primitives::fs::{DirEntry, FileType, Metadata, open_ambient_dir, open_dir, read_base_dir};
use wasmtime::{Caller, Linker, Memory, TypedFunc};
use wasmtime_wasi::p1::WasiP1Ctx;

use super::ValType::{I32, I64};
use super::adapter::{MEMORY, WASI, WasiFunction, adapter};
use super::program::Dir;

/// The descriptor of the first directory that a program is given.
const FIRST: i32 = 3;
/// `__WASI_OFLAGS_CREAT`, with which only files can be opened.
const CREATE: i32 = 1;
/// `__WASI_FILETYPE_DIRECTORY`
const DIRECTORY: u8 = 3;
/// `__WASI_ERRNO_SUCCESS` and `__WASI_ERRNO_FAULT`.
const SUCCESS: i32 = 0;
const FAULT: i32 = 21;

/// The directories that a program has opened.
pub(super) struct Directories {
    /// By descriptor.
    open: BTreeMap<i32, Directory>,
    originals: Option<Originals>,
}

/// An opened directory.
struct Directory {
    file: File,
    /// The encoded entries of the last listing, if there was one.
    entries: Option<Vec<Vec<u8>>>,
}

/// The state of a program.
pub(super) trait HasDirectories: Send + 'static {
    fn directories(&mut self) -> &mut Directories;
    fn wasi(&mut self) -> &mut WasiP1Ctx;
}

impl Directories {
    /// Opens the directories that a program is given. If one cannot be opened, wasmtime lists it.
    pub(super) fn open(dirs: &[Dir]) -> Self {
        let opened = dirs.iter().zip(FIRST..).filter_map(|(dir, descriptor)| {
            let file = open_ambient_dir(dir.host.as_std_path(), ambient_authority()).ok()?;
            Some((descriptor, Directory { file, entries: None }))
        });
        Self { open: opened.collect(), originals: None }
    }

    /// Records that the program opened a path below a directory, if it is a directory, too. If it
    /// cannot be opened a second time, wasmtime lists it.
    fn opened(&mut self, parent: i32, path: &Path, descriptor: i32) {
        let Some(parent) = self.open.get(&parent) else { return };
        if let Ok(file) = open_dir(&parent.file, path) {
            self.open.insert(descriptor, Directory { file, entries: None });
        }
    }

    fn renumbered(&mut self, from: i32, to: i32) {
        if from != to {
            self.open.remove(&to);
            if let Some(directory) = self.open.remove(&from) {
                self.open.insert(to, directory);
            }
        }
    }

    /// Returns at most `length` bytes of a directory's entries, from the entry with the number
    /// `cookie`. Returns `None` if wasmtime lists the directory.
    fn read(&mut self, descriptor: i32, cookie: u64, length: usize) -> Option<Vec<u8>> {
        let directory = self.open.get_mut(&descriptor)?;
        if cookie == 0 || directory.entries.is_none() {
            let Ok(entries) = entries(&directory.file) else {
                // wasmtime numbers the entries in another order, so it serves the whole listing.
                self.open.remove(&descriptor);
                return None;
            };
            directory.entries = Some(entries);
        }
        let mut bytes = Vec::new();
        for entry in directory.entries.iter().flatten().skip(usize::try_from(cookie).ok()?) {
            if bytes.len() >= length {
                break;
            }
            bytes.extend_from_slice(entry);
        }
        // The last entry may be incomplete. The program then asks for it again.
        bytes.truncate(length);
        Some(bytes)
    }
}

/// Returns the encoded entries of a directory, sorted by name after `.` and `..`.
fn entries(directory: &File) -> std::io::Result<Vec<Vec<u8>>> {
    let (device, own) = identity(&Metadata::from_file(directory)?);
    let mut named = Vec::new();
    for entry in read_base_dir(directory)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string() {
            let kind = kind(entry.file_type().ok());
            // A directory may be a mount point with another device. libc then asks for its number.
            let number = if kind == DIRECTORY { 0 } else { wasi_inode(device, number(&entry)) };
            named.push((name, number, kind));
        }
    }
    named.sort();
    let own = wasi_inode(device, own);
    let both = [".", ".."].map(|name| (name.to_owned(), own, DIRECTORY));
    let all = both.into_iter().chain(named).zip(1..);
    Ok(all.map(|((name, number, kind), next)| encode(&name, number, kind, next)).collect())
}

/// Encodes a `dirent` and its name. `next` is the number of the next entry.
///
/// Source: `dirent` in the documentation of WASI preview 1.
fn encode(name: &str, inode: u64, kind: u8, next: u64) -> Vec<u8> {
    let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(24 + name.len());
    bytes.extend(next.to_le_bytes());
    bytes.extend(inode.to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend([kind, 0, 0, 0]);
    bytes.extend(name.as_bytes());
    bytes
}

/// Returns the number that wasmtime's `fd_filestat_get` reports as the inode of a file. On Windows,
/// returns 0, so that libc asks for the number.
///
/// Source: `MetadataHashValue::new` in wasmtime-wasi. A test compares both.
fn wasi_inode(device: u64, inode: u64) -> u64 {
    if cfg!(not(unix)) {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    (device, inode).hash(&mut hasher);
    hasher.finish()
}

/// Returns the device and the inode of a file.
#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64) {
    use cap_primitives::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(unix)]
fn number(entry: &DirEntry) -> u64 {
    use std::os::unix::fs::DirEntryExt;
    entry.ino()
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

#[cfg(not(unix))]
fn number(_: &DirEntry) -> u64 {
    0
}

/// Returns a file type as a `filetype` of WASI. 0 means that the type is unknown.
fn kind(kind: Option<FileType>) -> u8 {
    match kind {
        Some(kind) if kind.is_dir() => DIRECTORY,
        Some(kind) if kind.is_file() => 4,
        Some(kind) if kind.is_symlink() => 7,
        _ => 0,
    }
}

/// wasmtime's own functions, called through the adapter.
#[derive(Clone)]
struct Originals {
    open: TypedFunc<PathOpen, i32>,
    close: TypedFunc<i32, i32>,
    renumber: TypedFunc<(i32, i32), i32>,
    read: TypedFunc<(i32, i32, i32, i64, i32), i32>,
}

type PathOpen = (i32, i32, i32, i32, i32, i64, i64, i32, i32);

const OPEN: &str = "path_open";
const CLOSE: &str = "fd_close";
const RENUMBER: &str = "fd_renumber";
const READ: &str = "fd_readdir";

/// The functions of the adapter. Source of the types: WASI preview 1.
const FUNCTIONS: [WasiFunction; 4] = [
    (OPEN, &[I32, I32, I32, I32, I32, I64, I64, I32, I32]),
    (CLOSE, &[I32]),
    (RENUMBER, &[I32, I32]),
    (READ, &[I32, I32, I32, I64, I32]),
];

/// Returns true if the directories of a module can be listed here. Otherwise, wasmtime lists them.
pub(super) fn applies(module: &wasmtime::Module) -> bool {
    let memory = module.get_export(MEMORY);
    memory.and_then(|it| it.memory().map(|memory| !memory.is_64() && !memory.is_shared()))
        == Some(true)
}

/// Replaces `fd_readdir`, and the functions that open and close directories.
///
/// # Errors
/// When a function cannot be defined.
pub(super) fn replace<T: HasDirectories>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.func_wrap(WASI, OPEN, path_open::<T>)?;
    linker.func_wrap(WASI, CLOSE, |mut caller: Caller<'_, T>, descriptor: i32| {
        let originals = originals(&mut caller)?;
        caller.data_mut().directories().open.remove(&descriptor);
        originals.close.call(&mut caller, descriptor)
    })?;
    linker.func_wrap(WASI, RENUMBER, |mut caller: Caller<'_, T>, from: i32, to: i32| {
        let errno = originals(&mut caller)?.renumber.call(&mut caller, (from, to))?;
        if errno == SUCCESS {
            caller.data_mut().directories().renumbered(from, to);
        }
        Ok(errno)
    })?;
    linker.func_wrap(WASI, READ, fd_readdir::<T>)?;
    Ok(())
}

/// Returns wasmtime's own functions. The first call instantiates the adapter.
fn originals<T: HasDirectories>(caller: &mut Caller<'_, T>) -> wasmtime::Result<Originals> {
    if let Some(originals) = &caller.data_mut().directories().originals {
        return Ok(originals.clone());
    }
    let memory =
        memory(caller).ok_or_else(|| wasmtime::Error::msg("the program exports no memory"))?;
    let adapter = adapter(&FUNCTIONS, &mut *caller, memory, T::wasi)?;
    let originals = Originals {
        open: adapter.get_typed_func(&mut *caller, OPEN)?,
        close: adapter.get_typed_func(&mut *caller, CLOSE)?,
        renumber: adapter.get_typed_func(&mut *caller, RENUMBER)?,
        read: adapter.get_typed_func(&mut *caller, READ)?,
    };
    caller.data_mut().directories().originals = Some(originals.clone());
    Ok(originals)
}

#[allow(clippy::too_many_arguments, reason = "the signature of WASI")]
fn path_open<T: HasDirectories>(
    mut caller: Caller<'_, T>,
    parent: i32,
    lookup: i32,
    path: i32,
    length: i32,
    flags: i32,
    rights: i64,
    inheriting: i64,
    fd_flags: i32,
    result: i32,
) -> wasmtime::Result<i32> {
    let args = (parent, lookup, path, length, flags, rights, inheriting, fd_flags, result);
    let errno = originals(&mut caller)?.open.call(&mut caller, args)?;
    if errno == SUCCESS
        && let Some(memory) = memory(&mut caller)
        && let Some((path, descriptor)) = arguments(&caller, memory, path, length, result)
    {
        let directories = caller.data_mut().directories();
        directories.open.remove(&descriptor);
        if flags & CREATE == 0 {
            directories.opened(parent, Path::new(&path), descriptor);
        }
    }
    Ok(errno)
}

/// Returns the path and the new descriptor of `path_open` from a program's memory.
fn arguments<T>(
    caller: &Caller<'_, T>,
    memory: Memory,
    path: i32,
    length: i32,
    result: i32,
) -> Option<(String, i32)> {
    let data = memory.data(caller);
    let range = |at: i32, length: i32| {
        let at = at.cast_unsigned() as usize;
        data.get(at..at.checked_add(length.cast_unsigned() as usize)?)
    };
    let path = String::from_utf8(range(path, length)?.to_vec()).ok()?;
    Some((path, i32::from_le_bytes(range(result, 4)?.try_into().ok()?)))
}

fn fd_readdir<T: HasDirectories>(
    mut caller: Caller<'_, T>,
    descriptor: i32,
    buffer: i32,
    length: i32,
    cookie: i64,
    used: i32,
) -> wasmtime::Result<i32> {
    let capacity = length.cast_unsigned() as usize;
    let directories = caller.data_mut().directories();
    let Some(bytes) = directories.read(descriptor, cookie.cast_unsigned(), capacity) else {
        let read = originals(&mut caller)?.read;
        return read.call(&mut caller, (descriptor, buffer, length, cookie, used));
    };
    let Some(memory) = memory(&mut caller) else { return Ok(FAULT) };
    // `bytes` is not longer than `length`.
    let count = u32::try_from(bytes.len())?.to_le_bytes();
    let written = memory
        .write(&mut caller, buffer.cast_unsigned() as usize, &bytes)
        .and_then(|()| memory.write(&mut caller, used.cast_unsigned() as usize, &count));
    Ok(if written.is_ok() { SUCCESS } else { FAULT })
}

fn memory<T>(caller: &mut Caller<'_, T>) -> Option<Memory> {
    caller.get_export(MEMORY).and_then(wasmtime::Extern::into_memory)
}
