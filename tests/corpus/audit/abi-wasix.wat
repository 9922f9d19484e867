;; A module for WASIX.
;; policy: wasip1
(module
  (import "wasix_32v1" "thread_spawn_v2" (func $spawn (param i32 i32) (result i32)))
  (import "wasix_32v1" "proc_fork" (func (param i32 i32) (result i32)))
  (func (export "_start") (drop (call $spawn (i32.const 0) (i32.const 0)))))
