//! Compiles the empty hooks.

use std::env;
use std::path::Path;

use libbpf_cargo::SkeletonBuilder;

fn main() {
    let source = "bpf/empty.bpf.c";
    let out = env::var("OUT_DIR").expect("cargo sets it");
    SkeletonBuilder::new()
        .source(source)
        .clang_args(["-mcpu=v3", "-Wall", "-Werror"])
        .obj(Path::new(&out).join("empty.bpf.o"))
        .build()
        .unwrap_or_else(|error| panic!("{source}: {error:#} (is clang installed? `make setup` does it)"));
    println!("cargo:rerun-if-changed={source}");
}
