//! Which member of an archive defines a function: where there is no link map, names still tell it.

use std::collections::HashMap;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

/// The functions of archives, by name.
#[derive(Clone, Debug, Default)]
pub struct Members {
    objects: Vec<String>,
    /// Of one that several objects have, each with its own, none.
    functions: HashMap<String, Option<u32>>,
}

impl Members {
    /// Adds an archive: `name` is its file's name, without directories.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let mut last = String::new();
        pywasm_stubs::defined_functions(name, bytes, |member, function| {
            if last != member || self.objects.is_empty() {
                last = member.to_owned();
                self.objects.push(format!("{name}({member})"));
            }
            let object = u32::try_from(self.objects.len() - 1).ok();
            self.functions
                .entry(function.to_owned())
                .and_modify(|known| *known = known.filter(|it| Some(*it) == object))
                .or_insert(object);
        })?;
        Ok(())
    }

    /// Those of an installation: libpython and what is linked with it.
    ///
    /// # Errors
    /// When one can't be read.
    pub fn of_installation(root: &Utf8Path) -> anyhow::Result<Self> {
        let mut archives = Vec::new();
        for dir in ["lib", "lib/wasi-libc"] {
            let Ok(entries) = root.join(dir).read_dir_utf8() else { continue };
            let files = entries.filter_map(Result::ok).map(camino::Utf8DirEntry::into_path);
            archives.extend(files.filter(|it| it.extension() == Some("a")));
        }
        archives.sort();
        Self::of_files(&archives)
    }

    /// Those of archives.
    ///
    /// # Errors
    /// When one can't be read.
    pub fn of_files(archives: &[Utf8PathBuf]) -> anyhow::Result<Self> {
        let mut members = Self::default();
        for path in archives {
            let name = path.file_name().unwrap_or(path.as_str());
            members.add(name, &fs_err::read(path)?).with_context(|| format!("archive `{path}`"))?;
        }
        Ok(members)
    }

    /// The object that defines a function, where it is one.
    pub(super) fn of(&self, function: &str) -> Option<&str> {
        let object = (*self.functions.get(function)?)?;
        self.objects.get(object as usize).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use pywasm_stubs::{Binding, Code, Member, Writer};

    use super::*;

    #[test]
    fn a_function_that_two_objects_have_is_of_neither() {
        let object = |names: &[&str]| {
            let mut writer = Writer::new();
            for name in names {
                writer.function(name, Binding::Global, &[], &[], Code::new());
            }
            writer.finish()
        };
        let member =
            |name: &str, names: &[&str]| Member { name: name.to_owned(), bytes: object(names) };
        let archive = pywasm_stubs::archive(&[
            member("call.o", &["PyObject_Call", "null_error"]),
            member("list.o", &["list_sort", "null_error"]),
        ]);
        let mut members = Members::default();
        members.add("libpython3.13.a", &archive).unwrap();
        assert_eq!(members.of("PyObject_Call"), Some("libpython3.13.a(call.o)"));
        assert_eq!(members.of("list_sort"), Some("libpython3.13.a(list.o)"));
        assert_eq!((members.of("null_error"), members.of("other")), (None, None));
    }
}
