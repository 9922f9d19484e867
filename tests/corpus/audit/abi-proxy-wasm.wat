;; A filter for a proxy, next to a function that really is undefined.
;; policy: wasip1
(module
  (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
  (import "env" "getlogin" (func $getlogin (result i32)))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32)
    (drop (call $log (i32.const 0) (i32.const 0) (i32.const 0))) call $getlogin))
