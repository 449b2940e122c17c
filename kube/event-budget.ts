/** How many Events may be written about one Node: a burst, then a slow trickle (client-go's spam filter does the same). */

export interface EventBudgetSettings {
  /** Writes that may come at once. */
  readonly burst: number;
  /**
   * So many of the burst are for what was not said before: who asks again and again does not hide the next answer.
   * Defaults to none.
   */
  readonly keptForNews?: number;
  /** One more is allowed after each of these. */
  readonly refillMillis: number;
  /** Nodes remembered; the one that was quiet longest is forgotten first. */
  readonly maxNodes: number;
}

interface Bucket {
  readonly tokens: number;
  readonly atMillis: number;
}

export class EventBudget {
  readonly #settings: EventBudgetSettings;
  readonly #buckets = new Map<string, Bucket>();

  constructor(settings: EventBudgetSettings) {
    this.#settings = settings;
  }

  /** Takes one write from the node's budget; false if there is none left for that. */
  take(node: string, nowMillis: number, what: "news" | "count" = "news"): boolean {
    const { burst, keptForNews = 0, refillMillis, maxNodes } = this.#settings;
    const bucket = this.#buckets.get(node) ?? { tokens: burst, atMillis: nowMillis };
    const refilled = Math.min(burst, bucket.tokens + (nowMillis - bucket.atMillis) / refillMillis);
    const granted = refilled >= (what === "news" ? 1 : 1 + keptForNews);
    // Deleted first, so that the map's order is that of the last use.
    this.#buckets.delete(node);
    this.#buckets.set(node, { tokens: granted ? refilled - 1 : refilled, atMillis: nowMillis });
    if (this.#buckets.size > maxNodes) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    return granted;
  }
}
