;; A module from before WASI preview 1.
;; policy: ic
(module
  (import "wasi_unstable" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (func (export "canister_query hello")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))))
