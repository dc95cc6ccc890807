#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes data/prices/<provider>.json, the facts of what models cost, from two public collections of such facts.

    pip install genai-prices
    tools/prices_refresh.py --litellm model_prices_and_context_window.json --date 2026-10-21

genai-prices (MIT) is asked first: it checks rates against the providers' pages, and knows history and service tiers.
LiteLLM's map (MIT) adds token limits, and models that the first does not know. What contradicts itself (a batch price above
the standard one, a priority price over four times it) is left out, and so is a price of zero for a model of a provider that sells.
Where the two differ it says so; what it says is worth a look at the provider's page.
Each row names the provider's own price page as its source. Look at the difference in git before you commit it.
"""
import argparse
import datetime
import decimal
import json
import pathlib
import re

import genai_prices.data as genai
import genai_prices.types as genai_types

D = decimal.Decimal
ROOT = pathlib.Path(__file__).resolve().parent.parent

# our name: (price page, genai-prices' id or None, LiteLLM's providers)
PROVIDERS = {
    "openai": ("https://openai.com/api/pricing/", "openai", ["openai", "text-completion-openai"]),
    "anthropic": ("https://www.anthropic.com/pricing#api", "anthropic", ["anthropic"]),
    "gemini": ("https://ai.google.dev/gemini-api/docs/pricing", "google", ["gemini"]),
    "bedrock": ("https://aws.amazon.com/bedrock/pricing/", None, ["bedrock", "bedrock_converse"]),
    "cohere": ("https://cohere.com/pricing", "cohere", ["cohere", "cohere_chat"]),
    "mistral": ("https://mistral.ai/pricing#api-pricing", "mistral", ["mistral"]),
    "groq": ("https://groq.com/pricing", "groq", ["groq"]),
    "together": ("https://www.together.ai/pricing", "together", ["together_ai"]),
    "deepseek": ("https://api-docs.deepseek.com/quick_start/pricing", None, ["deepseek"]),
    "xai": ("https://docs.x.ai/docs/models", "x-ai", ["xai"]),
    "openrouter": ("https://openrouter.ai/models", "openrouter", []),
    "azure": ("https://azure.microsoft.com/pricing/details/cognitive-services/openai-service/", None, ["azure"]),
    "vertex": ("https://cloud.google.com/vertex-ai/generative-ai/pricing", None,
               ["vertex_ai", "vertex_ai-language-models", "vertex_ai-anthropic_models", "vertex_ai-mistral_models",
                "vertex_ai-llama_models", "vertex_ai-embedding-models", "vertex_ai-image-models"]),
}
# A provider that resells these at the same prices keeps only what differs (prices_name.c falls back to them).
FALLBACK = {"azure": ["openai"], "vertex": ["gemini", "anthropic"]}
MODES = {"chat", "completion", "responses", "embedding", "image_generation", "image_edit", "audio_transcription",
         "audio_speech", "moderation", "rerank", "realtime", None}

GENAI_RATES = {"input_mtok": "input", "output_mtok": "output", "cache_read_mtok": "cache_read",
               "cache_write_mtok": "cache_write_5m", "cache_write_1h_mtok": "cache_write_1h",
               "output_reasoning_mtok": "reasoning", "input_audio_mtok": "audio_input",
               "output_audio_mtok": "audio_output", "input_image_mtok": "image_input",
               "output_image_mtok": "image_output"}
LITELLM_RATES = {"input_cost_per_token": "input", "output_cost_per_token": "output",
                 "cache_read_input_token_cost": "cache_read",
                 "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
                 "cache_creation_input_token_cost": "cache_write_5m",
                 "output_cost_per_reasoning_token": "reasoning", "input_cost_per_audio_token": "audio_input",
                 "output_cost_per_audio_token": "audio_output", "input_cost_per_image_token": "image_input",
                 "output_cost_per_image_token": "image_output", "output_cost_per_image": "image",
                 "input_cost_per_character": "character", "input_cost_per_second": "audio_second",
                 "input_cost_per_query": "request"}
SUFFIX = re.compile(r"^(?:_above_(\d+)k_tokens)?(?:_(priority|flex|batches))?$")
ORDER = ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "reasoning", "audio_input",
         "audio_output", "image_input", "image_output", "image", "character", "audio_second", "request", "web_search"]

# Models that are no longer sold, but still asked for, and that the collections have wrong or not at all.
LEGACY = {
    ("openai", "gpt-4"): {"input": D(30), "output": D(60)},
    ("openai", "gpt-4-turbo"): {"input": D(10), "output": D(30)},
    ("anthropic", "claude-3-opus"): {"input": D(15), "output": D(75), "cache_read": D("1.5"),
                                     "cache_write_5m": D("18.75"), "cache_write_1h": D(30)},
    ("anthropic", "claude-3-sonnet"): {"input": D(3), "output": D(15), "cache_read": D("0.3"),
                                       "cache_write_5m": D("3.75"), "cache_write_1h": D(6)},
    ("anthropic", "claude-instant-1"): {"input": D("0.8"), "output": D("2.4")},
}
LEGACY_LIMITS = {"gpt-4": (8192, 8192), "gpt-4-turbo": (128000, 4096), "claude-3-opus": (200000, 4096),
                 "claude-3-sonnet": (200000, 4096), "claude-instant-1": (100000, 8191)}
# Legacy names of one model that no rule of prices_name.c leads to.
LEGACY_ALIASES = {"gpt-4-turbo": ["gpt-4-vision-preview", "gpt-4-1106-preview", "gpt-4-0125-preview",
                                  "gpt-4-turbo-preview", "gpt-4-1106-vision-preview"],
                  "claude-instant-1": ["claude-instant-1.2", "claude-instant-1.1", "claude-instant"]}
EXTRA_ALIASES = {("openai", "text-embedding-ada-002"): ["text-embedding-ada-002-v2"],
                 ("openai", "davinci-002"): ["davinci:2023-07-21-v2"]}
OLLAMA = ["llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4", "gemma", "gemma2", "gemma3", "gemma3n",
          "mistral", "mistral-nemo", "mistral-small", "mixtral", "qwen", "qwen2", "qwen2.5", "qwen2.5-coder", "qwen3",
          "qwen3-coder", "deepseek-r1", "deepseek-v3", "deepseek-coder", "phi", "phi3", "phi4", "codellama", "gpt-oss",
          "command-r", "granite3.3", "smollm2", "tinyllama", "llava", "nomic-embed-text", "mxbai-embed-large", "bge-m3"]


class Row:
    """Cards by (tier, above): rates in USD per million. Validity as dates or None."""

    def __init__(self, model, mode="chat"):
        self.model, self.mode, self.aliases = model, mode, []
        self.cards, self.limits, self.valid_from, self.valid_until = {}, (None, None), None, None

    def set(self, tier, above, kind, rate):
        self.cards.setdefault((tier, above), {})[kind] = rate

    def standard(self):
        return self.cards.get(("standard", 0), {})

    def is_priced(self):
        return any(rate > 0 for card in self.cards.values() for rate in card.values()) or self.mode == "moderation"

    def tidy(self):
        """Leaves out tiers that contradict the standard card, and a cache that would be written for nothing."""
        base = self.standard().get("input")
        if base:  # a price by character or second is another way of saying the same, not an addition
            self.standard().pop("character", None)
            self.standard().pop("audio_second", None)
        if self.standard().get("output") or "image_output" in self.standard():
            self.standard().pop("image", None)
        for (tier, above), card in list(self.cards.items()):
            rate, plain = card.get("input"), self.cards.get(("standard", above), self.standard()).get("input", base)
            if card.get("cache_write_5m") == 0:
                del card["cache_write_5m"]
            if tier == "standard" or plain is None:
                continue
            ok = rate is not None and "output" in card
            ok = ok and (plain <= rate <= 4 * plain if tier == "priority" else rate <= plain)
            if not ok:
                del self.cards[(tier, above)]
        self.cards = dict(sorted(self.cards.items(), key=lambda item: (item[0] != ("standard", 0), item[0]))[:8])

    def complete_anthropic(self):
        """Anthropic prices caches as multiples of the card's own input rate (its prompt caching page)."""
        for card in self.cards.values():
            if "input" in card and "cache_read" in self.standard():
                card.setdefault("cache_read", card["input"] / 10)
                card.setdefault("cache_write_5m", card["input"] * D("1.25"))
                card.setdefault("cache_write_1h", card["input"] * 2)

    def write(self):
        out = {"model": self.model}
        if set(self.aliases) - {self.model}:
            out["aliases"] = sorted(set(self.aliases) - {self.model})
        out["mode"] = self.mode or "chat"
        for name, value in (("valid_from", self.valid_from), ("valid_until", self.valid_until)):
            if value:
                out[name] = value.isoformat()
        for name, value in zip(("max_input_tokens", "max_output_tokens"), self.limits):
            if value:
                out[name] = int(value)
        out["cards"] = []
        for (tier, above), card in self.cards.items():
            line = {} if tier == "standard" else {"tier": tier}
            if above:
                line["above"] = above
            line.update({kind: card[kind] for kind in ORDER if kind in card})
            out["cards"].append(line)
        return out


def number(value):
    """A Decimal as JSON writes it, without an exponent or trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def dump(value):
    if isinstance(value, D):
        return number(value)
    if isinstance(value, dict):
        return "{" + ", ".join(json.dumps(k) + ": " + dump(v) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(dump(v) for v in value) + "]"
    return json.dumps(value)


# --- genai-prices ---

def genai_rates(row, tier, prices):
    for field, kind in GENAI_RATES.items():
        price = getattr(prices, field, None)
        if isinstance(price, genai_types.TieredPrices):
            row.set(tier, 0, kind, D(price.base))
            for step in price.tiers:
                row.set(tier, step.start, kind, D(step.price))
        elif price is not None:
            row.set(tier, 0, kind, D(price))
    for field, kind in (("requests_kcount", "request"), ("web_searches_kcount", "web_search")):
        price = getattr(prices, field, None)
        if price is not None and not isinstance(price, genai_types.TieredPrices):
            row.set(tier, 0, kind, D(price) * 1000)


def genai_variants(row, model, today):
    for variant in getattr(model, "price_variants", None) or []:
        when = dict(variant.when)
        tier = {"flex": "flex", "priority": "priority"}.get(when.get("service_tier"))
        if when == {"processing": "batch"}:
            tier = "batch"
        start = getattr(variant.constraint, "start_date", None)
        if not tier or len(when) != 1 or (start and start > today):
            continue
        genai_rates(row, tier, variant.prices)


def genai_names(clause):
    kind = type(clause).__name__
    if kind == "ClauseOr":
        return [name for part in clause.or_ for name in genai_names(part)]
    if kind == "ClauseEquals":
        return [clause.equals]
    if kind == "ClauseStartsWith":
        return [clause.starts_with]
    return []


def genai_rows(provider_id, today):
    provider = next(p for p in genai.providers if p.id == provider_id)
    for model in provider.models:
        prices = model.prices if isinstance(model.prices, list) else [None]
        dated, timed = [], []
        for item in prices:
            constraint = getattr(item, "constraint", None)
            start = getattr(constraint, "start_date", None)
            if item is not None and constraint is not None and start is None:
                timed.append(item.prices)  # by time of day: the dearest holds
            else:
                dated.append((start, model.prices if item is None else item.prices))
        if timed:
            dearest = max([p for _, p in dated] + timed, key=lambda p: p.input_mtok)
            dated = [(None, dearest)]
        for i, (start, price) in enumerate(dated):
            row = Row(model.id)
            row.aliases = [name.rstrip("-@") for name in genai_names(model.match) if name.rstrip("-@")]
            row.valid_from = start
            row.valid_until = dated[i + 1][0] if i + 1 < len(dated) else None
            row.limits = (model.context_window, None)
            genai_rates(row, "standard", price)
            if row.valid_until is None or row.valid_until > today:
                genai_variants(row, model, today)
            yield model, row


# --- LiteLLM ---

def litellm_row(key, entry):
    row = Row(key, entry.get("mode"))
    row.limits = (entry.get("max_input_tokens"), entry.get("max_output_tokens"))
    for field, value in entry.items():
        for base, kind in LITELLM_RATES.items():
            rest = SUFFIX.match(field[len(base):]) if field.startswith(base) else None
            if rest and isinstance(value, (int, float, D)):
                tier = {"batches": "batch", None: "standard"}.get(rest.group(2), rest.group(2))
                row.set(tier, int(rest.group(1) or 0) * 1000, kind, D(str(value)) * 1000000)
                break
    if entry.get("mode", "").startswith("image") and "input_cost_per_image" in entry:
        row.cards.setdefault(("standard", 0), {}).setdefault("image", D(str(entry["input_cost_per_image"])) * 1000000)
    search = entry.get("search_context_cost_per_query")
    if isinstance(search, dict) and search:
        row.set("standard", 0, "web_search", max(D(str(v)) for v in search.values()) * 1000000)
    return row


def litellm_rows(entries, names):
    for key, entry in entries.items():
        provider = entry.get("litellm_provider")
        if provider not in names or entry.get("mode") not in MODES:
            continue
        first, _, rest = key.partition("/")
        model = rest if rest and (first in names or (first == "azure" and provider == "azure")) else key
        if provider.startswith("bedrock") and "/" in model:
            continue  # a region's or a commitment's own price
        if re.match(r"^(\d+-x-\d+|(low|medium|high|standard|hd)/)", model):
            continue
        yield litellm_row(model, entry)


# --- together ---

def shorter(model):
    """The undated name, as prices_name.c would find it."""
    return re.sub(r"(@.*|-latest|-\d{4}-\d\d-\d\d|-\d{8}|-\d{4}|-\d\d-\d{4}|-\d{3})$", "", model)


def same_price(a, b):
    return a is not None and a.cards == b.cards and a.limits == b.limits


def collect(name, genai_id, litellm_names, entries, today):
    rows, known, order = {}, {}, []
    provider = next((p for p in genai.providers if p.id == genai_id), None)
    for model, row in genai_rows(genai_id, today) if provider else []:
        if name == "gemini" and model.id.startswith("claude"):
            continue  # sold through Vertex only, at Anthropic's prices
        order.append(row)
        known.setdefault(model.id, []).append(row)
    extra = list(litellm_rows(entries, litellm_names))
    for row in extra:
        if row.model in rows:
            continue
        match = None
        if provider:
            match = next((m for m in provider.models if m.match.is_match(row.model.lower())), None)
        current = known[match.id][-1] if match and match.id in known else None
        if current is not None:
            a, b = current.standard().get("input"), row.standard().get("input")
            mine = (row.limits, row.mode)
            is_named = row.model in [current.model] + current.aliases
            if is_named and a != b:
                print(f"{name}: {row.model}: {a} in {match.id} of genai-prices, {b} in LiteLLM: the first is taken")
            if (a == b and a is not None) or is_named:
                for item in known[match.id]:
                    item.limits = tuple(x or y for x, y in zip(mine[0], item.limits))
                    item.mode = mine[1] or item.mode
                    for kind in ("image", "character", "audio_second", "request"):
                        if kind in row.standard():
                            item.cards.setdefault(("standard", 0), {}).setdefault(kind, row.standard()[kind])
                    if row.model != item.model:
                        item.aliases.append(row.model)
                continue
            print(f"{name}: {row.model}: {a} in {match.id} of genai-prices, {b} in LiteLLM: kept apart")
        rows[row.model] = row
    return order, rows


def finish(name, order, rows):
    legacy = {model: rates for (provider, model), rates in LEGACY.items() if provider == name}
    for model, rates in legacy.items():
        row = Row(model)
        row.cards[("standard", 0)] = dict(rates)
        row.limits = LEGACY_LIMITS[model]
        row.aliases = list(LEGACY_ALIASES.get(model, []))
        order = [r for r in order if r.model != model and r.model != model + "-latest"] + [row]
        taken = {model, *row.aliases}
        rows = {k: r for k, r in rows.items() if k not in taken and shorter(k) not in taken}
        for other in order[:-1]:
            other.aliases = [a for a in other.aliases if a not in taken and shorter(a) not in taken]
    out, seen = [], set()
    named = {n for row in order if row.standard() for n in [row.model, *row.aliases]}
    for row in order + [r for k, r in sorted(rows.items()) if k not in named]:
        if name == "anthropic":
            row.complete_anthropic()
        row.tidy()
        base = rows.get(shorter(row.model))
        if row.model in rows and shorter(row.model) != row.model and same_price(base, row):
            continue
        row.aliases += EXTRA_ALIASES.get((name, row.model), [])
        row.aliases = [a for a in dict.fromkeys(row.aliases) if a == a.strip()]
        # An alias that the shortened name leads to anyway is left out, if the shortened name is this row.
        mine = {row.model, *row.aliases}
        row.aliases = [a for a in row.aliases if shorter(a) == a or shorter(a) not in mine]
        is_free = name == "openrouter" and row.model.endswith(":free")
        if row.standard() and (row.is_priced() or is_free) and all(r >= 0 for c in row.cards.values() for r in c.values()):
            key = (row.model, row.valid_from)
            if key not in seen:
                out.append(row)
            seen.add(key)
    return out


def write(name, url, date, rows):
    lines = [dump(row.write()) for row in rows]
    text = "{\"provider\": %s, \"source\": %s, \"source_date\": %s, \"prices\": [\n%s\n]}\n" % (
        json.dumps(name), json.dumps(url), json.dumps(date), ",\n".join(lines))
    json.loads(text)
    path = ROOT / "data" / "prices" / (name + ".json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    print(f"{path.relative_to(ROOT)}: {len(lines)} prices, {len(text)} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--litellm", required=True, help="LiteLLM's model_prices_and_context_window.json")
    parser.add_argument("--date", required=True, help="the day on which the collections were taken, 2026-10-21")
    args = parser.parse_args()
    today = datetime.date.fromisoformat(args.date)
    entries = json.loads(pathlib.Path(args.litellm).read_text(), parse_float=D)
    entries = {k: v for k, v in entries.items() if isinstance(v, dict) and k != "sample_spec"}
    done = {}
    for name, (url, genai_id, litellm_names) in PROVIDERS.items():
        rows = finish(name, *collect(name, genai_id, litellm_names, entries, today))
        for other in FALLBACK.get(name, []):
            index = {n: r for r in done[other] for n in [r.model, *r.aliases]}
            same = lambda r: index.get(r.model) or index.get(shorter(r.model))
            rows = [r for r in rows if not (same(r) and same(r).standard().get("input") == r.standard().get("input")
                                            and same(r).standard().get("output") == r.standard().get("output"))]
        done[name] = rows
        write(name, url, args.date, rows)
    free = [Row(model, "embedding" if "embed" in model or model.startswith("bge") else "chat") for model in OLLAMA]
    for row in free:
        row.cards[("standard", 0)] = {"input": D(0), "output": D(0)}
    write("ollama", "https://ollama.com/library", args.date, free)


if __name__ == "__main__":
    main()
