alias Number = f32;
alias Point = vec2<Number>;
alias Polygon = array<Point, 4>;
@group(0) @binding(0) var<storage, read> polygons: array<Polygon>;
@group(0) @binding(1) var<storage, read_write> areas: array<Number>;
fn area(p: Polygon) -> Number {
    var polygon = p;
    var sum = Number();
    for (var i = 0u; i < 4; i++) {
        let a: Point = polygon[i];
        let b = polygon[(i + 1) % 4];
        sum += a.x * b.y - b.x * a.y;
    }
    return sum / 2;
}
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x < arrayLength(&areas) { areas[id.x] = area(polygons[id.x]); }
}
