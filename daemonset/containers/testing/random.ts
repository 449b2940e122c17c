import { makeDice } from "../../../program/testing/dice.ts";

/** Numbers that look random and come again with the same seed. */
export class SeededRandom {
  /** From 0 up to 1. */
  readonly next: () => number;

  constructor(seed: number) {
    this.next = makeDice(seed);
  }

  /** A whole number from 0 up to, but not including, `below`. */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.below(from.length)];
  }
}
