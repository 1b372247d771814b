"""Named pipelines against their originals, played on the same game: Gymnasium's own wrappers, and OpenAI Baselines',
EnvPool's and the zoo's rules written down again here from their descriptions."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from zoo_gui.agents import presets_preprocessing as presets
from zoo_gui.agents.backend import configure_tensorflow
from zoo_gui.agents.card import PreprocessingSpec
from zoo_gui.play.emulator import SEED, Emulator
from zoo_gui.play.player import Player
from zoo_gui.types import Decision, ZooError

tf = configure_tensorflow()


class Scripted:
    """Plays a list of actions of the game's own set; keeps what it saw."""

    def __init__(self, spec, emulator, actions):
        self.card = SimpleNamespace(preprocessing=spec, game=emulator.game)
        self.action_names, self.edits, self.actions = emulator.minimal_actions, {}, list(actions)
        self.seen = []

    def decide(self, observation, rng):
        self.seen.append(observation)
        return Decision(int(self.actions[len(self.seen) - 1]))


def scripted_player(name, game, actions, noops=None, **changes):
    """A player of a named pipeline whose opening had ``noops`` no-op frames before the reset actions."""
    spec = presets.named(name)
    spec = PreprocessingSpec(**{**vars(spec), **changes})
    emulator = Emulator(game)
    for seed in range(200):
        player = Player(emulator, Scripted(spec, emulator, actions), seed=seed)
        presses = 4 * len(player._reset_codes)
        if noops is None or emulator.frame_number == noops + presses:
            return player
    raise AssertionError("no seed gives so many no-ops")


def environment(game):
    """Gymnasium's bare environment, powered on as ours is."""
    import ale_py
    import gymnasium

    gymnasium.register_envs(ale_py)
    bare = gymnasium.make(f"ALE/{game}-v5", frameskip=1, repeat_action_probability=0.0)
    bare.unwrapped.ale.setInt("random_seed", SEED)
    bare.unwrapped.load_game()
    return bare


class Baselines:
    """NoopResetEnv, MaxAndSkipEnv, EpisodicLifeEnv, FireResetEnv, a warp and a stack, nested as in OpenAI Baselines."""

    def __init__(self, env, warp, lives, stack_init, noops):
        self.env, self.warp, self.episodic, self.stack_init, self.noops = env, warp, lives, stack_init, noops
        self.ale = env.unwrapped.ale
        self.fires = "FIRE" in env.unwrapped.get_action_meanings()
        self.lives, self.over = 0, True

    def skip(self, action):
        """(maximum of the last two of four frames, summed reward); stops where the game is over."""
        last, total = [], 0.0
        for _ in range(4):
            screen, reward, self.over, _, _ = self.env.step(action)
            last, total = [*last, screen][-2:], total + reward
            if self.over:
                break
        return np.max(last, axis=0), total

    def life_step(self, action):
        """(screen, reward, whether an episode ended): of lives where these count."""
        screen, reward = self.skip(action)
        lives, before = self.ale.lives(), self.lives
        self.lives = lives
        return screen, reward, self.over or (self.episodic and 0 < lives < before)

    def reset(self):
        """(stack, reward on the way)."""
        total = 0.0
        if self.over:
            screen, _ = self.env.reset()
            for _ in range(self.noops):
                screen, *_ = self.env.step(0)
            self.over = False
        else:
            screen, total = self.skip(0)
        self.lives = self.ale.lives()
        for action in (1, 2) if self.fires else ():
            screen, reward, _ = self.life_step(action)
            total += reward
        frame = self.warp(screen)
        fill = frame if self.stack_init == "repeat" else np.zeros_like(frame)
        self.stack = [fill] * 3 + [frame]
        return np.stack(self.stack, -1), total

    def step(self, action):
        screen, reward, done = self.life_step(action)
        self.stack = [*self.stack[1:], self.warp(screen)]
        return np.stack(self.stack, -1), reward, done


def opencv_warp(screen):
    return cv2.resize(cv2.cvtColor(screen, cv2.COLOR_RGB2GRAY), (84, 84), interpolation=cv2.INTER_AREA)


def cleanrl_warp(screen):
    return cv2.cvtColor(cv2.resize(screen, (84, 84), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)


def luminance(screen):
    return np.dot(screen.astype("float32"), np.array([0.299, 0.587, 0.114], "float32"))


def zoo_tf_warp(screen):
    image = tf.constant(luminance(screen)[None, ..., None])
    return tf.compat.v1.image.resize_bilinear(image, (84, 84), align_corners=True).numpy()[0, ..., 0]


def zoo_np_warp(screen):
    image = Image.fromarray(luminance(screen)).resize((84, 84), resample=Image.Resampling.BILINEAR)
    return np.array(image, dtype=np.uint8)


ORIGINALS = {  # preset: (warp, an episode for each life, stack)
    "baselines": (opencv_warp, False, "repeat"), "baselines-vec": (opencv_warp, False, "zeros"),
    "baselines-lives": (opencv_warp, True, "zeros"), "sb3": (opencv_warp, True, "zeros"),
    "cleanrl": (cleanrl_warp, True, "repeat"), "zoo-tf": (zoo_tf_warp, False, "repeat"),
    "zoo-np": (zoo_np_warp, False, "repeat"),
}  # fmt: skip
GAMES = [(name, "Breakout") for name in ORIGINALS] + [("sb3", "MsPacman"), ("baselines-lives", "Qbert"),
                                                      ("zoo-tf", "Freeway"), ("zoo-np", "SpaceInvaders")]  # fmt: skip


@pytest.mark.parametrize(("name", "game"), GAMES)
def test_the_wrappers_of_openai_baselines_and_of_the_zoo(name, game):
    """Observations, rewards and resets, until the first game is over."""
    warp, lives, stack_init = ORIGINALS[name]
    env = environment(game)
    actions = np.random.default_rng(5).integers(len(env.unwrapped.get_action_meanings()), size=300)
    player = scripted_player(name, game, actions, noops=3, noop_max=6)
    original = Baselines(env, warp, lives, stack_init, noops=3)
    seen, _ = original.reset()
    resets, total = 0, 0.0
    for count, action in enumerate(actions):
        step = player.step()
        assert step.observation.dtype == seen.dtype and np.array_equal(step.observation, seen), count
        seen, reward, done = original.step(action)
        assert step.done == original.over
        if done and not original.over:
            seen, earned = original.reset()
            reward, resets = reward + earned, resets + 1
        assert step.reward == reward
        total += reward
        if original.over:
            break
    env.close()
    assert bool(resets) == (lives and game != "Freeway") and count > 60 and (total > 0 or game == "Freeway")


@pytest.mark.parametrize("game", ["Breakout", "MsPacman"])
def test_gymnasium_s_own_wrappers(game):
    from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation

    env = FrameStackObservation(AtariPreprocessing(environment(game), noop_max=6), 4)
    actions = np.random.default_rng(2).integers(env.action_space.n, size=300)
    seen, info = env.reset()
    player = scripted_player("gymnasium", game, actions, noops=info["episode_frame_number"], noop_max=6)
    for action in actions:
        step = player.step()
        assert np.array_equal(step.observation, seen.transpose(1, 2, 0))
        seen, reward, over, _, info = env.step(action)
        assert (step.reward, step.terminated) == (reward, over)
        if over:
            break
    env.close()
    assert step.index > 100


def test_gymnasium_s_colours_and_an_end_at_each_life():
    from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation

    env = AtariPreprocessing(environment("Breakout"), noop_max=0, grayscale_obs=False, terminal_on_life_loss=True)
    env = FrameStackObservation(env, 2)
    actions = np.random.default_rng(2).integers(env.action_space.n, size=300)
    changes = dict(color="rgb", stack=2, terminal_on_life_loss=True, noop_max=0)
    player = scripted_player("gymnasium", "Breakout", actions, **changes)
    seen, _ = env.reset()
    for action in actions:
        step = player.step()
        assert np.array_equal(step.observation, np.concatenate(list(seen), -1))
        seen, reward, over, _, _ = env.step(action)
        assert (step.reward, step.terminated) == (reward, over)
        if over:
            break
    env.close()
    assert over and player.emulator.lives == 4


@pytest.mark.parametrize(("game", "fires"), [("Breakout", True), ("MsPacman", False)])
def test_envpool_s_opening(game, fires):
    """n no-ops on 0 … noop_max − 1 and FIRE for one frame, or one no-op more; the first observation is that frame."""
    counts, other = set(), Emulator(game)
    player = scripted_player("envpool", game, [0] * 99, noop_max=4)
    for seed in range(15):
        player.restart(seed)
        count = player.emulator.frame_number - 1
        counts.add(count)
        other.reset()
        for _ in range(count):
            other.act(0)
        other.act(other.code("FIRE") if fires else 0)
        frame = cv2.resize(other.screen_gray(), (84, 84), interpolation=cv2.INTER_AREA)
        assert np.array_equal(player.step().observation, np.stack([frame] * 4, -1))
    assert counts == {0, 1, 2, 3}


def test_dopamine_begins_at_once_on_a_black_stack():
    player = scripted_player("dopamine", "Breakout", [0] * 9)
    assert player.emulator.frame_number == 0 and player.sticky == 0.25
    first = player.step().observation
    assert not first[..., :3].any() and first[..., 3].any()
    zoo = scripted_player("dopamine-zoo", "Breakout", [0] * 9).step().observation
    assert np.array_equal(zoo, np.stack([first[..., 3]] * 4, -1))


@pytest.mark.parametrize("game", ["MsPacman", "Breakout"])
def test_no_ops_are_spread_as_in_the_originals(game):
    player = scripted_player("baselines", game, [0] * 9, noop_max=3)
    frames = set()
    for seed in range(15):
        player.restart(seed)
        frames.add(player.emulator.frame_number)
    presses = 8 if game == "Breakout" else 0  # FIRE and action 2, each four frames, where the game has FIRE
    assert frames == {1 + presses, 2 + presses, 3 + presses}


@pytest.mark.parametrize("name", presets.names())
def test_every_named_pipeline_replays_exactly_from_a_snapshot(name):
    game = "pong" if "pong" in name else "breakout"
    actions = np.random.default_rng(1).integers(4, size=200)
    player = scripted_player(name, game, actions)
    spec = presets.named(name)
    for _ in range(35):
        player.step()
    snapshot, agent = player.snapshot(), player.agent
    played = []
    for _ in range(2):
        agent.actions[len(agent.seen) :] = actions[:60]
        played.append([player.step(all_frames=True) for _ in range(50)])
        player.restore(snapshot)
    assert played[0][0].observation.shape == spec.observation_shape
    assert played[0][0].observation.dtype == (np.float32 if spec.is_float else np.uint8)
    for one, other in zip(*played):
        for field in ("frame", "frames", "observation", "ram"):
            assert np.array_equal(getattr(one, field), getattr(other, field)), field
        assert (one.reward, one.lives, one.done, one.index) == (other.reward, other.lives, other.done, other.index)
    low, high = spec.observation_range
    assert spec.running or (one.observation.min() >= low and one.observation.max() <= high)


def test_presets_say_what_they_are_and_near_names_help():
    for name in presets.names():
        preset = presets.preset(name)
        assert preset.title and preset.description.endswith(".") and preset.url.startswith("https://")
    assert presets.named("ale-vector") == PreprocessingSpec()
    assert {"zoo-tf", "zoo-np", "dopamine", "sb3", "gymnasium", "cleanrl", "envpool"} <= set(presets.names())
    with pytest.raises(ZooError, match="baselines"):
        presets.named("baseline")
