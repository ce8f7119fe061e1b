"""What of TransformerLens's public names is there, and the page that says so.

    python Tests/Notebooks/names.py          writes Sources/Lens.docc/TransformerLens.md
    python Tests/Notebooks/names.py --check  fails where the page is another one

`test_names.py` holds the table against TransformerLens and lensd; nothing here needs either.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "Sources" / "Lens.docc" / "TransformerLens.md"


@dataclass(frozen=True)
class Section:
    """One module or class: names that are the same, that differ and how, and that are not there and what is instead."""

    title: str
    # Where it lies, in `transformer_lens` and in `lensd.transformer_lens`; "" is the package itself.
    place: str
    same: str
    differs: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def names(self, status: str) -> list[str]:
        """All names of a status."""
        given = self.same if status == "same" else " ".join(getattr(self, status))
        return given.split()

    @property
    def table(self) -> str:
        """As Markdown."""
        rows = ["| name | |", "|---|---|"]
        if self.same:
            rows.append(f"| {_code(self.same)} | same |")
        rows += [f"| {_code(names)} | {how} |" for names, how in self.differs.items()]
        rows += [f"| {_code(names)} | **not there**: {instead} |" for names, instead in self.absent.items()]
        return "\n".join(rows)


def _code(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split())


SECTIONS = [
    Section(
        "The package",
        "",
        "FactoredMatrix evals head_detector hook_points loading loading_from_pretrained model_bridge patching "
        "utilities",
        {
            "HookedTransformer ActivationCache HookedTransformerConfig SVDInterpreter": "see below",
        },
        {
            "HookedRootModule": "modules of your own are torch's: use TransformerLens's class for them",
            "HookedEncoder HookedEncoderDecoder HookedAudioEncoder BertNextSentencePrediction": "decoders only",
            "TransformerBridgeConfig components config conversion_utils factories pretrained supported_models "
            "weight_processing": "the daemon builds and loads models; `lensctl models` and `lensd.save_model`",
            "TransformerLensKeyValueCache TransformerLensKeyValueCacheEntry cache": "`generate` keeps keys and values",
            "train tools lit": "served models are not trained",
        },
    ),
    Section(
        "HookedTransformer",
        "HookedTransformer.HookedTransformer",
        "W_E W_pos W_E_pos W_U W_Q W_K W_V W_O W_in W_gate W_out b_Q b_K b_V b_O b_in b_out b_U accumulated_bias "
        "all_head_labels add_perma_hook clear_contexts "
        "get_caching_hooks add_caching_hooks hook_points loss_fn run_with_cache run_with_hooks hooks "
        "set_use_attn_in set_use_attn_result set_use_hook_mlp_in set_use_split_qkv_input "
        "to_single_token to_str_tokens to_string tokens_to_residual_directions",
        {
            "from_pretrained from_pretrained_no_processing": "a served model by the daemon's name or TransformerLens's; "
            "all steps of weight processing or none; no checkpoints, other tokenizers, devices or types",
            "QK OV": "same; what becomes of them between `W_E` and `W_U` (eigenvalues, copying scores, the largest "
            "entries) the daemon computes: `circuit`, `circuits`",
            "all_composition_scores": "same; `composition_scores` has the daemon compute them",
            "generate": "`seed=`; without one torch's generator gives it, but the text is another than "
            "TransformerLens's for one seed; no `repetition_penalty`, `output_logits`",
            "generate_stream": "gives `GeneratedToken`s, then `.result`",
            "to_tokens": "pads on the right only, and the tensor knows its `.lengths`",
            "to_single_str_token": "the argument is called `token`",
            "get_token_position": "raises `lensd.InvalidArgument` (a `ValueError`)",
            "add_hook reset_hooks remove_all_hook_fns": "no `level`",
            "n_params_total": "the checkpoint's, not counting what TransformerLens adds",
        },
        {
            "list_hooks": "`hook_dict[name].has_hooks()`",
            "cache_all cache_some": "`run_with_cache(names_filter=…)`",
            "check_and_add_hook check_hooks_to_add get_pos_offset get_residual input_to_embed setup fill_missing_keys "
            "move_model_modules_to_device": "inner workings",
            "fold_layer_norm fold_value_biases center_unembed center_writing_weights process_weights_ "
            "load_and_process_state_dict refactor_factored_attn_matrices init_weights": "weights are as served, with all "
            "of the processing (`NAME`) or none (`NAME@raw`); `lensd.save_model` serves a model of any weights",
            "set_tokenizer": "`lensd.save_model(…, tokenizer)`",
            "set_ungroup_grouped_query_attention": "`W_K`, `W_V` are repeated for every head; `hook_k`, `hook_v` are not",
            "load_sample_training_dataset sample_datapoint": "bring texts of your own",
            "mps": "values arrive on the CPU",
        },
    ),
    Section(
        "ActivationCache",
        "ActivationCache.ActivationCache",
        "accumulated_resid apply_slice_to_batch_dim compute_head_results decompose_resid get_neuron_results items keys "
        "logit_attrs stack_activation stack_head_results toggle_autodiff values apply_ln_to_stack",
        {
            "remove_batch_dim": "raises `lensd.InvalidArgument` with several prompts",
            "get_full_resid_decomposition": "with `mlp_input`, `apply_ln` and a projection the neurons too are divided by "
            "ln2's scale (TransformerLens takes ln1's)",
            "stack_neuron_results": "an integer `neuron_slice` keeps the neurons' axis",
            "to": "the CPU only",
        },
        {"compute_ssm_effective_attention compute_ssm_state ssm_layers": "no state-space models"},
    ),
    Section(
        "FactoredMatrix",
        "FactoredMatrix.FactoredMatrix",
        "AB BA S T U V Vh collapse_l collapse_r eigenvalues get_corner make_even ndim norm pair svd unsqueeze",
    ),
    Section("SVDInterpreter", "SVDInterpreter.SVDInterpreter", "get_singular_vectors"),
    Section(
        "HookPoint",
        "hook_points.HookPoint",
        "add_perma_hook clear_context layer",
        {
            "add_hook remove_hooks": "no `level`, `alias_names`",
            "has_hooks": "of a direction only",
        },
        {"enable_reshape": "inner workings"},
    ),
    Section(
        "patching",
        "patching",
        "AxisNames generic_activation_patch get_act_patch_attn_head_all_pos_every get_act_patch_attn_head_by_pos_every "
        "get_act_patch_block_every make_df_from_ranges",
        {
            "get_act_patch_resid_pre get_act_patch_resid_mid get_act_patch_attn_out get_act_patch_mlp_out "
            "get_act_patch_attn_head_out_by_pos get_act_patch_attn_head_q_by_pos get_act_patch_attn_head_k_by_pos "
            "get_act_patch_attn_head_v_by_pos get_act_patch_attn_head_pattern_by_pos "
            "get_act_patch_attn_head_pattern_dest_src_pos get_act_patch_attn_head_out_all_pos "
            "get_act_patch_attn_head_q_all_pos get_act_patch_attn_head_k_all_pos get_act_patch_attn_head_v_all_pos "
            "get_act_patch_attn_head_pattern_all_pos": "a metric of `lensd.metrics` makes it one call, much faster; other "
            "axes and setters by `generic_activation_patch`",
            "layer_pos_patch_setter layer_pos_head_vector_patch_setter layer_head_vector_patch_setter "
            "layer_head_pattern_patch_setter layer_head_pos_pattern_patch_setter "
            "layer_head_dest_src_pos_pattern_patch_setter": "arguments are called `corrupted` and `clean`",
        },
    ),
    Section(
        "head_detector",
        "head_detector",
        "HEAD_NAMES compute_head_attention_similarity_score get_supported_heads",
        {
            "detect_head": "takes a text as long as the context, and caches with or without the batch axis",
            "get_previous_token_head_detection_pattern get_duplicate_token_head_detection_pattern "
            "get_induction_head_detection_pattern": "NumPy arrays",
        },
        {
            "CACHE_WITH_SEQ_LIST_ERR DET_PAT_NOT_SQUARE_ERR INVALID_HEAD_NAME_ERR SEQ_LEN_ERR": "errors say what was "
            "expected and what came",
        },
    ),
    Section(
        "evals",
        "evals",
        "evaluate_on_dataset",
        {
            "sanity_check": "a text of its own",
            "induction_loss": "tokens of small vocabularies too; `device` is the CPU",
        },
        {
            "DATASET_LOADERS DATASET_NAMES evaluate make_code_data_loader make_owt_data_loader make_pile_data_loader "
            "make_wiki_data_loader make_mmlu_data_loader": "they download: give any data loader to `evaluate_on_dataset`",
            "IOIDataset ioi_eval mmlu_eval MMLU_ANSWER_LETTERS MMLU_SUBJECTS": "TransformerLens's own run on a served "
            "model",
        },
    ),
    Section(
        "utilities, and utils",
        "utilities",
        "Slice composition_scores filter_dict_by_prefix gelu_fast gelu_new get_act_name get_corner get_cumsum_along_dim "
        "get_matrix_corner get_offset_position_ids is_lower_triangular is_square lm_accuracy lm_cross_entropy_loss "
        "logits_to_df override_or_use_default_value remove_batch_dim repeat_along_head_dimension sample_logits solu "
        "test_prompt to_numpy transpose",
        {"USE_DEFAULT_VALUE": "`None`", "get_device": "the CPU"},
        {
            "LocallyOverridenDefaults ModelWithCfg TypedModuleList check_structure get_nested_attr set_nested_attr "
            "is_library_available select_compatible_kwargs temporarily_swap_parameter": "inner workings",
            "SOFTCAP_DISABLED apply_softcap softcap_enabled SUPPORTED_ACTIVATIONS get_rotary_pct_from_config": "the "
            "daemon applies them",
            "calculate_available_device_cuda_memory count_unique_devices "
            "determine_available_memory_for_available_devices find_embedding_device get_best_available_cuda_device "
            "get_best_available_device get_device_for_block_index move_to_and_update_config print_gpu_mem "
            "resolve_device_map sort_devices_based_on_available_memory warn_if_mps": "values arrive on the CPU",
            "calc_fan_in_and_fan_out init_kaiming_normal_ init_kaiming_uniform_ init_xavier_normal_ "
            "init_xavier_uniform_": "served models are not trained",
            "clear_huggingface_cache download_file_from_hf get_dataset keep_single_column tokenize_and_concatenate": "data "
            "sets are yours to bring; models come by `lensctl pull`",
            "get_attention_mask get_input_with_manually_prepended_bos get_tokenizer_with_bos get_tokens_with_bos_removed": ""
            "`to_tokens(prepend_bos=)`; prompts of different lengths are run without padding",
        },
    ),
    Section(
        "cfg",
        ".HookedTransformerConfig",
        "n_layers n_heads n_key_value_heads d_model d_head d_vocab d_vocab_out n_ctx eps normalization_type "
        "positional_embedding_type attn_only gated_mlp parallel_attn_mlp post_embedding_ln use_attn_scale "
        "scale_attn_by_inverse_layer_idx window_size use_qk_norm clip_qkv "
        "use_normalization_before_and_after attn_scores_soft_cap output_logits_soft_cap rotary_dim "
        "rotary_adjacent_pairs "
        "attention_dir default_prepend_bos dtype device use_attn_result "
        "use_split_qkv_input use_hook_mlp_in use_attn_in",
        {
            "model_name": "the daemon's",
            "d_mlp act_fn": "`None` in attention-only models",
            "final_rms": "True where the final norm alone is an RMS norm",
            "use_local_attn": "whether any layer is local",
            "rotary_base": "`None` where positions are not rotary",
            "rotary_scaling_factor tie_word_embeddings": "as the checkpoint has it, of every family",
            "original_architecture": "`HookedTransformer` of models that are TransformerLens's own",
            "attn_scale": "1 where `use_attn_scale` is False",
            "attn_types": "a tuple, one for every layer, of every model",
            "tokenizer_prepends_bos": "False: `prepend_bos` alone decides",
        },
        {
            "n_params": "`model.n_params_total`",
            "uses_rms_norm layer_norm_folding": "`normalization_type`, `processing`",
            "use_hook_tokens": "`hook_tokens` is there by name",
            "ungroup_grouped_query_attention": "see `set_ungroup_grouped_query_attention`",
            "from_checkpoint checkpoint_index checkpoint_label_type checkpoint_value init_mode init_weights "
            "initializer_range seed tokenizer_name trust_remote_code": "loading and training",
            "n_devices load_in_4bit quantization_method": "one CPU, float32",
            "num_experts experts_per_token norm_topk_prob use_attention_sinks relative_attention_max_distance "
            "relative_attention_num_buckets decoder_start_token_id use_logn_attn train_seq_length "
            "use_dynamic_ntk_rope": "no such models",
            "rotary_base_local use_NTK_by_parts_rope NTK_by_parts_low_freq_factor NTK_by_parts_high_freq_factor "
            "NTK_by_parts_factor NTK_original_ctx_len use_yarn_rope yarn_factor yarn_attention_factor yarn_beta_fast "
            "yarn_beta_slow yarn_original_max_position_embeddings yarn_truncate yarn_global_attn_only": "`rotary_scaling` "
            "and `rotary_scaling_factor`; `model.describe()`",
        },
    ),
]

HEAD = """\
# Notebooks written for TransformerLens

A notebook keeps its cells. What changes is where names come from, and the name of a model that is served:

```py
import lensd.transformer_lens as transformer_lens  # was: import transformer_lens
from lensd.transformer_lens import HookedTransformer, utils, patching, evals

model = HookedTransformer.from_pretrained("tinytales-1l")  # or TransformerBridge.boot_transformers(…)
logits, cache = model.run_with_cache("Once upon a time")
cache.logit_attrs(cache.stack_head_results(pos_slice=-1), " there", pos_slice=-1)
```

It needs torch (`pip install "lensd[torch]"`) and a daemon (`lensctl up`; `$LENSD_SOCKET` where it is another). Without
torch, `lensd.connect().model()` has the same methods over NumPy arrays, caches with all their analyses too:

```python
import lensd

model = lensd.connect().model()
_, cache = model.run_with_cache("Once upon a time there was a little girl")
stack, labels = cache.decompose_resid(pos_slice=-1, return_labels=True)
for label, value in zip(labels, cache.logit_attrs(stack, " named", pos_slice=-1)[:, 0]):
    print(label, value)  # what each part adds to the logit of " named"
```

## How it differs everywhere

- The model lives in the daemon. Weights are fetched when they are touched and are copies: changing them changes no model.
  Parts do not run by themselves, but for `embed`, `pos_embed`, `unembed`, the norms and whole blocks: `model.blocks[i](stream)`.
- Activations are fetched when they are touched. What a hook function took part in cannot be computed again: its cache
  has what `names_filter` kept, or everything.
- Points that cost extra (`hook_result`, `hook_q_input`, …) are there by name without a switch; `set_use_attn_result(True)` and
  its like put them into caches without a filter. With the switch for q, k and v inputs `ln1` stays one activation.
- The logits are in a cache where they are named (`unembed.hook_out`).
- Prompts of different lengths are padded on the right, and padding never influences a number. Attention masks, left padding
  and key-value caches of one's own are refused.
- `start_at_layer` computes the blocks before it all the same.
- Logits and losses are in torch's graph, caches are not, as in TransformerLens; `lensd.connect(arrays="torch")` gives caches
  that are. Weights have no gradients.
- What is not there raises `lensd.Unimplemented`, which says what to do instead.

CircuitsVis and BertViz draw `model.to_str_tokens(text)` and `cache["pattern", layer]` as they are (BertViz asks for torch
tensors). `make test-notebooks` runs the calls of TransformerLens's Main, Activation Patching, Head Detector, Direct Logit
Attribution and Exploratory Analysis demos on served models and in TransformerLens 3.9, and compares; TransformerLens's own
`patching` and `head_detector` modules run on served models too.

## Name by name

TransformerLens 3.9's public names. "Same" means: takes the same arguments, and gives the same within float32's rounding.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(f"### {section.title}\n\n{section.table}\n" for section in SECTIONS)])


if __name__ == "__main__":
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(page())
    elif not PAGE.exists() or PAGE.read_text() != page():
        sys.exit(f"{PAGE} is not what Tests/Notebooks/names.py writes: run it")
