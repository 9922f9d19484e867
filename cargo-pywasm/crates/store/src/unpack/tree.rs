//! Writes into one directory and nowhere else. Two rules ensure this:
//!
//! - No path leads through a link: each of its directories was created or checked here.
//! - The target of a link contains `..` only at its beginning, and never leads above the root.
//!   After a name that is itself a link, `..` would lead to an unknown directory.

use std::collections::HashSet;
use std::fs::FileTimes;
use std::io::{self, Read, Write};
use std::time::{Duration, SystemTime};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::error::Refused;

/// A path below the root: relative, without `.` and `..`, possibly empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inside(Utf8PathBuf);

impl Inside {
    /// Checks a path and removes its `.` components.
    ///
    /// # Errors
    /// When the path is absolute, empty, or contains `..` or a NUL byte.
    pub(super) fn of(path: &Utf8Path) -> Result<Self, Refused> {
        if path.as_str().is_empty() || path.as_str().contains('\0') {
            return Err(Refused::BadPath);
        }
        let mut inside = Utf8PathBuf::new();
        for component in path.components() {
            match component {
                Utf8Component::Normal(name) => inside.push(name),
                Utf8Component::CurDir => {}
                Utf8Component::ParentDir => return Err(Refused::Traversal),
                Utf8Component::RootDir | Utf8Component::Prefix(_) => {
                    return Err(Refused::AbsolutePath);
                }
            }
        }
        Ok(Self(inside))
    }

    pub(super) fn path(&self) -> &Utf8Path {
        &self.0
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.as_str().is_empty()
    }
}

/// The target directory.
pub(super) struct Tree {
    root: Utf8PathBuf,
    /// Directories that are known not to be links.
    known: HashSet<Utf8PathBuf>,
    /// Directories and their modification times, which are set at the end because adding files
    /// changes them.
    dirs: Vec<(Utf8PathBuf, SystemTime)>,
    buffer: Vec<u8>,
}

impl Tree {
    pub(super) fn new(root: &Utf8Path) -> Self {
        let root = root.to_owned();
        Self { root, known: HashSet::new(), dirs: Vec::new(), buffer: vec![0; 64 * 1024] }
    }

    pub(super) fn dir(&mut self, at: &Inside, mtime: u64) -> Result<(), Refused> {
        self.ensure(at.path())?;
        if !at.is_root() {
            self.dirs.push((self.root.join(at.path()), time(mtime)?));
        }
        Ok(())
    }

    /// Writes a file of `size` bytes. Replaces an existing file, as tar does. `failed` converts
    /// errors from reading `content`.
    pub(super) fn file(
        &mut self,
        at: &Inside,
        executable: bool,
        mtime: u64,
        size: u64,
        content: &mut dyn Read,
        failed: &dyn Fn(&io::Error) -> Refused,
    ) -> Result<(), Refused> {
        let path = self.target(at, "file")?;
        let mut options = fs_err::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use fs_err::os::unix::fs::OpenOptionsExt;
            options.mode(if executable { 0o755 } else { 0o644 });
        }
        let mut file = match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.replace(at, "file")?;
                options.open(&path)
            }
            opened => opened,
        }
        .map_err(Refused::Write)?;
        let mut left = size;
        while left > 0 {
            let count = match content.read(&mut self.buffer) {
                Ok(0) => return Err(Refused::Truncated),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(&error)),
            };
            file.write_all(&self.buffer[..count]).map_err(Refused::Write)?;
            left = left.saturating_sub(count as u64);
        }
        let times = FileTimes::new().set_modified(time(mtime)?);
        file.file().set_times(times).map_err(Refused::Write)
    }

    pub(super) fn symlink(&mut self, at: &Inside, target: &str) -> Result<(), Refused> {
        check_target(at, target)?;
        let path = self.target(at, "link")?;
        match symlink(target, &path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.replace(at, "link")?;
                symlink(target, &path)
            }
            created => created,
        }
        .map_err(Refused::Write)
    }

    pub(super) fn hard_link(&mut self, at: &Inside, target: &Inside) -> Result<(), Refused> {
        let nothing = || Refused::HardLinkToNothing(target.path().to_string());
        self.ensure(target.path().parent().ok_or_else(nothing)?)?;
        let source = self.root.join(target.path());
        if kind(&source)? != Some("file") || at == target {
            return Err(nothing());
        }
        let path = self.target(at, "file")?;
        if kind(&path)?.is_some() {
            self.replace(at, "file")?;
        }
        fs_err::hard_link(&source, &path).map_err(Refused::Write)
    }

    /// Sets the times of the directories, innermost first.
    pub(super) fn finish(self) -> Result<(), Refused> {
        for (path, mtime) in self.dirs.iter().rev() {
            let dir = fs_err::File::open(path).map_err(Refused::Write)?;
            let times = FileTimes::new().set_modified(*mtime);
            dir.file().set_times(times).map_err(Refused::Write)?;
        }
        Ok(())
    }

    /// Creates the parent directory of `at` and returns the full path to write to.
    fn target(&mut self, at: &Inside, becomes: &'static str) -> Result<Utf8PathBuf, Refused> {
        let Some(parent) = at.path().parent() else {
            let was = "directory";
            debug_assert_ne!(was, becomes);
            return Err(Refused::KindChange { path: at.path().to_owned(), was });
        };
        self.ensure(parent)?;
        Ok(self.root.join(at.path()))
    }

    /// Removes an existing entry, which must be of the expected kind.
    fn replace(&self, at: &Inside, expected: &'static str) -> Result<(), Refused> {
        let path = self.root.join(at.path());
        match kind(&path)? {
            Some(was) if was != expected => {
                Err(Refused::KindChange { path: at.path().to_owned(), was })
            }
            _ => fs_err::remove_file(&path).map_err(Refused::Write),
        }
    }

    /// Creates a directory and its parents, none of which may be a link.
    fn ensure(&mut self, dir: &Utf8Path) -> Result<(), Refused> {
        if dir.as_str().is_empty() || self.known.contains(dir) {
            return Ok(());
        }
        if let Some(parent) = dir.parent() {
            self.ensure(parent)?;
        }
        let path = self.root.join(dir);
        match fs_err::create_dir(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match kind(&path)? {
                Some("directory") => {}
                Some("link") => return Err(Refused::ThroughLink(dir.to_owned())),
                was => {
                    let was = was.unwrap_or("file");
                    return Err(Refused::KindChange { path: dir.to_owned(), was });
                }
            },
            Err(error) => return Err(Refused::Write(error)),
        }
        self.known.insert(dir.to_owned());
        Ok(())
    }
}

/// Returns the kind of the entry at a path, without following links.
fn kind(path: &Utf8Path) -> Result<Option<&'static str>, Refused> {
    match fs_err::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => Ok(Some("link")),
        Ok(meta) if meta.is_dir() => Ok(Some("directory")),
        Ok(meta) if meta.is_file() => Ok(Some("file")),
        Ok(_) => Ok(Some("special file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Refused::Write(error)),
    }
}

/// Checks that the target of a link is below the root.
fn check_target(at: &Inside, target: &str) -> Result<(), Refused> {
    let outside = || Refused::LinkOutside(target.to_owned());
    if target.is_empty() || target.contains('\0') {
        return Err(Refused::BadPath);
    }
    let mut depth = at.path().components().count().saturating_sub(1);
    let mut named = false;
    for component in Utf8Path::new(target).components() {
        match component {
            Utf8Component::Normal(_) => named = true,
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir if named => return Err(outside()),
            Utf8Component::ParentDir => depth = depth.checked_sub(1).ok_or_else(outside)?,
            Utf8Component::RootDir | Utf8Component::Prefix(_) => {
                return Err(Refused::AbsoluteLink(target.to_owned()));
            }
        }
    }
    Ok(())
}

fn time(mtime: u64) -> Result<SystemTime, Refused> {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_secs(mtime))
        .ok_or_else(|| Refused::Corrupt(format!("invalid modification time {mtime}")))
}

#[cfg(unix)]
fn symlink(target: &str, path: &Utf8Path) -> io::Result<()> {
    fs_err::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn symlink(_target: &str, _path: &Utf8Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "links are only supported on Unix"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_and_parent_paths_are_refused() {
        assert_eq!(Inside::of("./a/./b/".into()).unwrap().path(), "a/b");
        assert!(Inside::of("./".into()).unwrap().is_root());
        assert!(matches!(Inside::of("a/../b".into()), Err(Refused::Traversal)));
        assert!(matches!(Inside::of("/a".into()), Err(Refused::AbsolutePath)));
        assert!(matches!(Inside::of("".into()), Err(Refused::BadPath)));
    }

    #[test]
    fn link_targets_outside_are_refused() {
        let check = |at: &str, target: &str| check_target(&Inside::of(at.into()).unwrap(), target);
        for (at, target) in [("a", "b"), ("d/a", "../b"), ("d/e/a", "../../b"), ("a", "./b/c")] {
            check(at, target).unwrap();
        }
        for (at, target) in [("a", ".."), ("a", "../b"), ("d/a", "../../b"), ("a", "b/../c")] {
            let refused = check(at, target).unwrap_err();
            assert!(matches!(refused, Refused::LinkOutside(_)), "{at} -> {target}");
        }
        assert!(matches!(check("a", "/etc/passwd"), Err(Refused::AbsoluteLink(_))));
    }
}
