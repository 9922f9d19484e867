//! Staging: an entry is written in a temporary directory, which is then moved to its final path.

use std::io::{self, Write};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use crate::Bucket;
use crate::Store;

/// A directory that [`Stage::commit`] turns into an entry of the store.
///
/// Dropping a stage without a commit removes its directory. A killed process leaves the directory
/// in `staging-v0`, which nothing reads and `cache prune` clears.
#[derive(Debug)]
pub struct Stage {
    dir: tempfile::TempDir,
    path: Utf8PathBuf,
}

/// Writes a temporary, world-readable file in the directory of `path`. The caller renames the file
/// to `path` with `persist`.
///
/// # Errors
/// When the file cannot be written.
pub fn stage_file(path: &Utf8Path, bytes: &[u8]) -> anyhow::Result<tempfile::NamedTempFile> {
    let parent = path.parent().with_context(|| format!("`{path}` has no parent directory"))?;
    fs_err::create_dir_all(parent)?;
    let staged = || -> io::Result<tempfile::NamedTempFile> {
        let mut file = tempfile::NamedTempFile::new_in(parent)?;
        file.write_all(bytes)?;
        // Without this, only the owner could read the file.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        Ok(file)
    };
    staged().with_context(|| format!("cannot write a temporary file for `{path}`"))
}

impl Store {
    /// Creates an empty directory on the file system of `bucket`.
    ///
    /// # Errors
    /// When the directory cannot be created.
    pub fn stage(&self, bucket: Bucket) -> anyhow::Result<Stage> {
        // Installations are staged in the data directory: it may be on a different file system than
        // the cache, and a rename cannot cross file systems.
        let parent = if bucket == Bucket::Installs {
            let dir = self.data().join(Bucket::Staging.dir_name());
            fs_err::create_dir_all(&dir)?;
            dir
        } else {
            self.ensure(Bucket::Staging)?
        };
        let dir = tempfile::Builder::new().prefix("stage-").tempdir_in(&parent)?;
        let path = Utf8PathBuf::from_path_buf(dir.path().to_path_buf())
            .map_err(|path| anyhow::anyhow!("`{}` is not UTF-8", path.display()))?;
        Ok(Stage { dir, path })
    }
}

impl Stage {
    /// Returns the directory to write to.
    #[must_use]
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Moves the directory to `final_path` and removes any tree that was there. The caller must
    /// hold the entry's lock and decide whether an existing tree may be replaced.
    ///
    /// On Linux, the old and the new tree are exchanged atomically if the file system supports it.
    /// Otherwise, a process that is killed between two renames can leave the old tree in
    /// `staging-v0` and nothing at `final_path`.
    ///
    /// # Errors
    /// When a rename fails. The old tree is then still at `final_path`, or at the path that the error
    /// names.
    pub fn commit(self, final_path: &Utf8Path) -> anyhow::Result<()> {
        if let Some(parent) = final_path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        // Without this, only the owner could read the directory.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs_err::set_permissions(&self.path, std::fs::Permissions::from_mode(0o755))?;
        }
        if final_path.exists() {
            // The exchange moves the old tree to `self.path`, which is removed when `self` is
            // dropped.
            exchange(&self.path, final_path)
        } else {
            fs_err::rename(&self.path, final_path)?;
            // The directory has been moved, so dropping `self` must not remove it.
            let _ = self.dir.keep();
            Ok(())
        }
    }
}

/// Exchanges two directories on the same file system.
fn exchange(staged: &Utf8Path, final_path: &Utf8Path) -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        let (from, to) = (staged.as_std_path(), final_path.as_std_path());
        match renameat_with(CWD, from, CWD, to, RenameFlags::EXCHANGE) {
            Ok(()) => return Ok(()),
            // The kernel or the file system does not support the exchange; see renameat2(2).
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot exchange `{staged}` and `{final_path}`"));
            }
        }
    }
    exchange_by_renames(staged, final_path)
}

/// Exchanges two directories with three renames. If the second rename fails, the first is undone.
fn exchange_by_renames(staged: &Utf8Path, final_path: &Utf8Path) -> anyhow::Result<()> {
    let aside = staged.with_extension("old");
    fs_err::rename(final_path, &aside)?;
    if let Err(error) = fs_err::rename(staged, final_path) {
        fs_err::rename(&aside, final_path)
            .with_context(|| format!("the previous `{final_path}` is now at `{aside}`"))?;
        return Err(error.into());
    }
    fs_err::rename(&aside, staged)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path().try_into().unwrap());
        (dir, store)
    }

    /// Commits a tree whose only file contains `text`.
    fn commit(store: &Store, path: &Utf8Path, text: &str) {
        let stage = store.stage(Bucket::Sources).unwrap();
        fs_err::write(stage.path().join("file"), text).unwrap();
        stage.commit(path).unwrap();
    }

    fn content(path: &Utf8Path) -> String {
        fs_err::read_to_string(path.join("file")).unwrap()
    }

    #[test]
    fn dropped_stage_leaves_nothing() {
        let (_dir, store) = store();
        let stage = store.stage(Bucket::Sources).unwrap();
        fs_err::write(stage.path().join("half"), "").unwrap();
        let left = stage.path().to_owned();
        drop(stage);
        assert!(!left.exists());
        assert!(store.keys(Bucket::Sources).unwrap().is_empty());
    }

    #[test]
    fn commit_replaces_the_old_tree() {
        let (_dir, store) = store();
        let path = store.entry(Bucket::Sources, "tree");
        commit(&store, &path, "one");
        commit(&store, &path, "two");
        assert_eq!(content(&path), "two");
        assert!(store.keys(Bucket::Staging).unwrap().is_empty());
    }

    #[test]
    fn renames_exchange_two_trees() {
        let (_dir, store) = store();
        let path = store.entry(Bucket::Sources, "tree");
        commit(&store, &path, "old");
        let stage = store.stage(Bucket::Sources).unwrap();
        fs_err::write(stage.path().join("file"), "new").unwrap();
        exchange_by_renames(stage.path(), &path).unwrap();
        assert_eq!((content(&path), content(stage.path())), ("new".into(), "old".into()));
        drop(stage);
        assert!(store.keys(Bucket::Staging).unwrap().is_empty());
    }

    #[test]
    fn failed_commit_keeps_the_old_tree() {
        let (_dir, store) = store();
        let path = store.entry(Bucket::Sources, "tree");
        commit(&store, &path, "old");
        for exchange in [exchange, exchange_by_renames] {
            let stage = store.stage(Bucket::Sources).unwrap();
            fs_err::remove_dir(stage.path()).unwrap();
            assert!(exchange(stage.path(), &path).is_err());
            assert_eq!(content(&path), "old");
            assert!(stage.commit(&path).is_err());
            assert_eq!(content(&path), "old");
        }
        assert!(store.keys(Bucket::Staging).unwrap().is_empty());
    }
}
