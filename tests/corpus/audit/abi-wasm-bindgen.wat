;; A module that contains wasm-bindgen's JavaScript glue, before and after `wasm-bindgen` ran.
;; policy: wasip1
(module
  (import "__wbindgen_placeholder__" "__wbindgen_describe" (func $describe (param i32)))
  (import "__wbindgen_externref_xform__" "__wbindgen_externref_table_grow" (func (param i32) (result i32)))
  (import "wbg" "__wbg_getRandomValues_1" (func $random (param i32 i32)))
  (func $getrandom::backends::wasm_js (call $random (i32.const 0) (i32.const 8)) (call $describe (i32.const 0)))
  (func $run (export "run") (call $getrandom::backends::wasm_js)))
