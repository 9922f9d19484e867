;; Up to rustc 1.95, undefined functions become imports from `env`: here functions of known
;; families, a macro, and an unknown function.
;; policy: wasip1
(module
  (import "env" "mpd_add" (func $mpd_add (param i32 i32 i32 i32)))
  (import "env" "mpd_sub" (func $mpd_sub (param i32 i32 i32 i32)))
  (import "env" "PyModule_Create" (func $create (param i32) (result i32)))
  (import "env" "PyInit__ssl" (func $ssl (result i32)))
  (import "env" "quux" (func $quux))
  (table 2 funcref)
  (elem (i32.const 0) $PyInit__decimal $method)
  (func $PyInit__decimal (result i32) call $setup i32.const 0 call $create)
  (func $setup i32.const 0 i32.const 0 i32.const 0 i32.const 0 call $mpd_add)
  (func $method i32.const 0 i32.const 0 i32.const 0 i32.const 0 call $mpd_sub)
  (func (export "_start") call $quux call $ssl drop))
