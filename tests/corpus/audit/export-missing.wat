;; An `allow` pattern that matches nothing could hide a later mistake, so it is reported.
;; policy: sandbox.toml
(module
  (import "host" "log" (func $log (param i32 i32)))
  (func (export "_start") (param i32) i32.const 0 i32.const 0 call $log))
