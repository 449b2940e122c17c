/** The items in an order in which each is equally likely. `random` is as `Math.random`; the given list stays as it is. */
export function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  const left = [...items];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(Math.floor(random() * left.length), 1));
  return order;
}
