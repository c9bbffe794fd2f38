/* Outer /* nested */ still */ @group(0) @binding(0) /* here */ var<storage, read_write> größe: array<u32>; // ends
// enable f16; is no directive here
@compute @workgroup_size( 8 , ) // a comma at the end
fn main(@builtin(global_invocation_id) id: vec3u,) { let été = id.x; größe[été] = été * 2 /* twice **/ + 1; }
