;; A module for wasm32-wasip1-threads, which imports the memory that its threads share.
;; policy: wasip1
(module
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "env" "memory" (memory 1 2 shared))
  (func $pthread_create (drop (call $spawn (i32.const 0))))
  (func (export "_start") call $pthread_create))
