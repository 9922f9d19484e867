;; A module that was built with emcc. It imports WASI functions and its own from `env`.
;; policy: wasip1
(module
  (import "env" "emscripten_notify_memory_growth" (func $grown (param i32)))
  (import "env" "__syscall_openat" (func (param i32 i32 i32 i32) (result i32)))
  (import "env" "abort" (func $abort))
  (func (export "main") (call $grown (i32.const 0)) call $abort))
