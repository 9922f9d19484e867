//! Undefined symbols of wasm objects and archives.
