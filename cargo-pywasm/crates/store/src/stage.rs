//! Scratch beside the final place, which becomes it by one rename.

use std::io::Write;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use crate::Bucket;
use crate::Store;

/// A directory in the making. Dropped without [`Stage::commit`], it is removed; a
/// killed process leaves it in `staging-v0`, which nothing reads and `cache prune` clears.
#[derive(Debug)]
pub struct Stage {
    dir: tempfile::TempDir,
    path: Utf8PathBuf,
}

/// A file beside its final place, for anyone to read, which becomes it by `persist`.
///
/// # Errors
/// When it can't be written.
pub fn stage_file(path: &Utf8Path, bytes: &[u8]) -> anyhow::Result<tempfile::NamedTempFile> {
    let parent = path.parent().with_context(|| format!("`{path}` is in no directory"))?;
    fs_err::create_dir_all(parent)?;
    let staged = || -> std::io::Result<tempfile::NamedTempFile> {
        let mut file = tempfile::NamedTempFile::new_in(parent)?;
        file.write_all(bytes)?;
        // A temporary file is for its owner only; what it becomes is like any other.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        Ok(file)
    };
    staged().with_context(|| format!("can't write beside `{path}`"))
}

impl Store {
    /// A fresh directory on the file system of `bucket`.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn stage(&self, bucket: Bucket) -> anyhow::Result<Stage> {
        // Installations may lie on another file system than the cache, and a
        // rename must not cross it.
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
    /// Where to write.
    #[must_use]
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Makes the directory be `final_path`. What stood there before is replaced:
    /// callers hold the entry's lock and have decided that it is not whole or not wanted.
    ///
    /// # Errors
    /// When the rename fails; nothing is at `final_path` then but what was there.
    pub fn commit(self, final_path: &Utf8Path) -> anyhow::Result<()> {
        if let Some(parent) = final_path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        // A temporary directory is private; what it becomes is not.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs_err::set_permissions(&self.path, std::fs::Permissions::from_mode(0o755))?;
        }
        if final_path.exists() {
            let old = self.path.with_extension("old");
            fs_err::rename(final_path, &old)?;
            fs_err::rename(&self.path, final_path)?;
            fs_err::remove_dir_all(&old)?;
        } else {
            fs_err::rename(&self.path, final_path)?;
        }
        // It has moved: there is nothing left to remove.
        let _ = self.dir.keep();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::at(dir.path().try_into().unwrap());
        (dir, store)
    }

    #[test]
    fn nothing_appears_before_commit_and_nothing_stays_after_drop() {
        let (_dir, store) = store();
        let stage = store.stage(Bucket::Sources).unwrap();
        fs_err::write(stage.path().join("half"), "").unwrap();
        let left = stage.path().to_owned();
        drop(stage);
        assert!(!left.exists());
        assert!(store.keys(Bucket::Sources).unwrap().is_empty());
    }

    #[test]
    fn commit_replaces_what_stood_there() {
        let (_dir, store) = store();
        let path = store.entry(Bucket::Sources, "tree");
        for text in ["one", "two"] {
            let stage = store.stage(Bucket::Sources).unwrap();
            fs_err::write(stage.path().join("file"), text).unwrap();
            stage.commit(&path).unwrap();
        }
        assert_eq!(fs_err::read_to_string(path.join("file")).unwrap(), "two");
        assert!(store.keys(Bucket::Staging).unwrap().is_empty());
    }
}
