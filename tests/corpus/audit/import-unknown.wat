;; Functions that the host does not provide: a misspelled name, one of preview 0, one of another
;; host.
;; policy: wasip1
(module
  (import "wasi_snapshot_preview1" "fd_wriet" (func $a (param i32 i32 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_write" (func $b (param i32 i32 i32 i32) (result i32)))
  (import "host" "log" (func $c (param i32 i32)))
  (func (export "_start") i32.const 0 i32.const 0 call $c))
