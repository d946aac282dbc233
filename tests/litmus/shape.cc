#include "tests/litmus/shape.h"

namespace farpage::litmus {
namespace {

enum Location : uint32_t { kX, kY, kZ };

Access W(Location location, uint64_t value) { return {true, location, value}; }
Access R(Location location) { return {false, location, 0}; }

std::vector<Shape> MakeShapes() {
  return {
      {"SB",
       "Wx1;Ry=0 ‖ Wy1;Rx=0",  //
       {{{W(kX, 1), R(kY)}, {W(kY, 1), R(kX)}}},
       {0, 0},
       "FFaaa"},
      {"MP",
       "Wx1;Wy1 ‖ Ry=1;Rx=0",  //
       {{{W(kX, 1), W(kY, 1)}, {R(kY), R(kX)}}},
       {1, 0},
       "FFFFF"},
      {"LB",
       "Rx=1;Wy1 ‖ Ry=1;Wx1",  //
       {{{R(kX), W(kY, 1)}, {R(kY), W(kX, 1)}}},
       {1, 1},
       "FFFFa"},
      {"S",
       "Wx2;Wy1 ‖ Ry=1;Wx1 ‖ observer x=1,2",
       {{{W(kX, 2), W(kY, 1)}, {R(kY), W(kX, 1)}, {R(kX), R(kX)}}},
       {1, 1, 2},
       "FFFFa"},
      {"R",
       "Wx1;Wy1 ‖ Wy2;Rx=0 ‖ observer y=1,2",
       {{{W(kX, 1), W(kY, 1)}, {W(kY, 2), R(kX)}, {R(kY), R(kY)}}},
       {0, 1, 2},
       "FFFaa"},
      {"2+2W",
       "Wx1;Wy2 ‖ Wy1;Wx2 ‖ observers x=2,1 and y=2,1",
       {{{W(kX, 1), W(kY, 2)}, {W(kY, 1), W(kX, 2)}, {R(kX), R(kX)}, {R(kY), R(kY)}}},
       {2, 1, 2, 1},
       "FFFaa"},
      {"CoRR", "Wx1 ‖ Rx=1;Rx=0", {{{W(kX, 1)}, {R(kX), R(kX)}}}, {1, 0}, "FFFFF"},
      {"CoWW", "Wx1;Wx2 ‖ Rx=2;Rx=1", {{{W(kX, 1), W(kX, 2)}, {R(kX), R(kX)}}}, {2, 1}, "FFFFF"},
      {"CoWR2",
       "Wx1;Rx=2 ‖ Wx2 ‖ observer x=2,1",
       {{{W(kX, 1), R(kX)}, {W(kX, 2)}, {R(kX), R(kX)}}},
       {2, 2, 1},
       "FFFaa"},
      {"CoRW",
       "Rx=2;Wx1 ‖ Wx2 ‖ observer x=1,2",
       {{{R(kX), W(kX, 1)}, {W(kX, 2)}, {R(kX), R(kX)}}},
       {2, 1, 2},
       "FFFFa"},
      {"readers-disagree",
       "Wx1 ‖ Wx2 ‖ Rx=1;Rx=2 ‖ Rx=2;Rx=1",
       {{{W(kX, 1)}, {W(kX, 2)}, {R(kX), R(kX)}, {R(kX), R(kX)}}},
       {1, 2, 2, 1},
       "FFFaa"},
      {"WRC",
       "Wx1 ‖ Rx=1;Wy1 ‖ Ry=1;Rx=0",
       {{{W(kX, 1)}, {R(kX), W(kY, 1)}, {R(kY), R(kX)}}},
       {1, 1, 0},
       "FFFFa"},
      {"ISA2",
       "Wx1;Wy1 ‖ Ry=1;Wz1 ‖ Rz=1;Rx=0",
       {{{W(kX, 1), W(kY, 1)}, {R(kY), W(kZ, 1)}, {R(kZ), R(kX)}}},
       {1, 1, 0},
       "FFFFa"},
      {"WWC",
       "Wx2 ‖ Rx=2;Wy1 ‖ Ry=1;Wx1 ‖ observer x=1,2",
       {{{W(kX, 2)}, {R(kX), W(kY, 1)}, {R(kY), W(kX, 1)}, {R(kX), R(kX)}}},
       {2, 1, 1, 2},
       "FFFFa"},
      {"chain-of-4",
       "Wx1 ‖ Rx=1;Wy1 ‖ Ry=1;Wz1 ‖ Rz=1;Rx=0",
       {{{W(kX, 1)}, {R(kX), W(kY, 1)}, {R(kY), W(kZ, 1)}, {R(kZ), R(kX)}}},
       {1, 1, 1, 0},
       "FFFFa"},
      {"RWC",
       "Wx1 ‖ Rx=1;Ry=0 ‖ Wy1;Rx=0",
       {{{W(kX, 1)}, {R(kX), R(kY)}, {W(kY, 1), R(kX)}}},
       {1, 0, 0},
       "FFaaa"},
      {"IRIW",
       "Wx1 ‖ Wy1 ‖ Rx=1;Ry=0 ‖ Ry=1;Rx=0",
       {{{W(kX, 1)}, {W(kY, 1)}, {R(kX), R(kY)}, {R(kY), R(kX)}}},
       {1, 0, 1, 0},
       "FFaaa"},
      {"stale-read",
       "Wx1, and when it has completed ‖ Rx=0",
       {{{W(kX, 1)}, {R(kX)}}, {{0, 1}}},
       {0},
       "Faaaa"},
  };
}

}  // namespace

std::span<const Shape> Shapes() {
  static const std::vector<Shape>& shapes = *new std::vector<Shape>(MakeShapes());
  return shapes;
}

const Shape* FindShape(const std::string& name) {
  for (const Shape& shape : Shapes()) {
    if (name == shape.name) return &shape;
  }
  return nullptr;
}

}  // namespace farpage::litmus
