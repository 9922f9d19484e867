//! Finds the files that a build writes along with a module: the record of a finished module, and
//! the linker map of a module that has not changed since it was linked.

use camino::{Utf8Path, Utf8PathBuf};

use crate::{LinkMap, Record, is_as_linked};

/// Returns the path of a module's record: `.x.wasm.size.json` next to `x.wasm`.
pub fn record_place(module: &Utf8Path) -> Option<Utf8PathBuf> {
    let name = module.file_name()?;
    // `x.wasm.gz` shares the record of `x.wasm`.
    let name = name.strip_suffix(".gz").unwrap_or(name);
    Some(module.with_file_name(format!(".{name}.size.json")))
}

impl Record {
    /// Returns the record next to a module, if there is one for exactly these bytes.
    pub fn beside(module: &Utf8Path, bytes: &[u8]) -> Option<Self> {
        let place = record_place(module)?;
        let read = std::fs::read(&place).ok()?;
        Self::parse(&place, &read).ok().filter(|record| record.is_of(bytes))
    }
}

/// Finds the linker map of a module that has not changed since it was linked. The map is either
/// next to the module (`x.wasm.map`) or in the output directory of a build script, where
/// `pywasm-build` makes the linker write it. Maps that do not match the module are skipped.
pub fn find_map(module: &Utf8Path, bytes: &[u8]) -> Option<String> {
    let mut places = vec![Utf8PathBuf::from(format!("{module}.map"))];
    let dir = module.parent()?;
    // The output of build scripts is in `build`, next to the modules of programs. The modules of
    // examples and tests are one directory deeper, so the parent directory is searched as well.
    for dir in [Some(dir), dir.parent()].into_iter().flatten() {
        let Ok(entries) = dir.join("build").read_dir_utf8() else { continue };
        let mut dirs: Vec<Utf8PathBuf> =
            entries.filter_map(Result::ok).map(|it| it.path().join("out")).collect();
        dirs.sort();
        let maps = pywasm_build::LINK_MAPS;
        places.extend(dirs.iter().flat_map(|dir| maps.map(|name| dir.join(name))));
    }
    places.into_iter().find_map(|place| {
        let text = std::fs::read_to_string(place).ok()?;
        let fits = LinkMap::read(&text).is_ok_and(|map| is_as_linked(bytes, &map).unwrap_or(false));
        fits.then_some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Breakdown;
    use crate::Evidence;
    use crate::measure;

    #[test]
    fn record_of_another_module_is_skipped() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let bytes = wat::parse_str("(module (func $f nop))").unwrap();
        let all: Breakdown = measure(&bytes, Evidence::default()).unwrap();
        let place = record_place(&dir.join("x.wasm.gz")).unwrap();
        assert_eq!(place, dir.join(".x.wasm.size.json"));
        std::fs::write(&place, Record::of(&bytes, &all, true).text()).unwrap();
        assert!(Record::beside(&dir.join("x.wasm"), &bytes).is_some());
        assert!(Record::beside(&dir.join("x.wasm"), b"another").is_none());
        assert!(Record::beside(&dir.join("y.wasm"), &bytes).is_none());
    }

    #[test]
    fn map_is_found_only_if_it_fits() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        // The code section is at byte 18, after the header (8 bytes), the type section (6) and the
        // function section (4).
        let bytes = wat::parse_str("(module (func nop))").unwrap();
        let map =
            |size: u32| format!("Addr Off Size Out In Symbol\n       -       12 {size:8x} CODE\n");
        let out = dir.join("debug/build/x-0123/out");
        std::fs::create_dir_all(&out).unwrap();
        let module = dir.join("debug/x.wasm");
        std::fs::write(out.join(pywasm_build::LINK_MAPS[0]), map(8)).unwrap();
        assert_eq!(find_map(&module, &bytes), None);
        std::fs::write(out.join(pywasm_build::LINK_MAPS[1]), map(7)).unwrap();
        assert_eq!(find_map(&module, &bytes), Some(map(7)));
        assert_eq!(find_map(&dir.join("debug/examples/y.wasm"), &bytes), Some(map(7)));
        assert_eq!(find_map(&dir.join("z/x.wasm"), &bytes), None);
    }
}
