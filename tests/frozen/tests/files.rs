//! Tests the files of a package, which are part of the wasm module. The module has no other files.

use frozen::call;

#[test]
fn every_way_to_read_a_file_works() {
    assert_eq!(call("app.files", "contents").unwrap(), "name,size\na,1\n");
    assert_eq!(call("app.files", "metadata").unwrap(), "1.5 plugged in");
    // 1980-01-01, the first date that a zip archive can contain.
    assert_eq!(call("app.files", "properties").unwrap(), "315532800.0");
}

#[test]
fn directories_can_be_listed() {
    assert_eq!(
        call("app.files", "names").unwrap(),
        "(10, ['app.checks', 'app.core', 'app.files', 'app.inner', 'app.inner.deep', \
         'app.library'], ['données 1.txt', 'table.csv'], '/pywasm/app/data/table.csv', \
         ['app', 'app_demo-1.5.dist-info'])"
    );
}

#[test]
fn files_cannot_be_changed() {
    assert_eq!(
        call("app.files", "refusals").unwrap(),
        "append: EROFS, change: EROFS, chdir to a file: ENOTDIR, closed: EBADF, create: EROFS, \
         create exclusively: EEXIST, leave: ENOTCAPABLE, link: EINVAL, make: EROFS, make again: EEXIST, \
         missing: ENOENT, open a directory: EISDIR, remove: EROFS, rename: EROFS, \
         seek before the start: EINVAL, through a file: ENOTDIR, truncate: EROFS, \
         update: EROFS, write: EBADF"
    );
}
