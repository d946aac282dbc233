// Adds up an array that node 0 filled.
#include <farpage/farpage.h>

#include <cstdio>
#include <numeric>
#include <span>

int main() {
  farpage::Node node = farpage::Node::Join().value();
  std::span<double> x = node.Allocate<double>("x", 1 << 20).value();
  if (node.id() == 0) std::iota(x.begin(), x.end(), 0.0);
  if (!node.Barrier().ok()) return 1;
  std::printf("sum %.0f\n", std::accumulate(x.begin(), x.end(), 0.0));
}
